/** The mark: a floor on pillars, warm air between them. */
export function Brand({ size = 22 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <path d="M3 5h26v5H3zM3 26h26v3H3z" fill="currentColor" />
      <path d="M6 12h5v12H6zM13.500 12h5v12h-5zM21 12h5v12h-5z" fill="currentColor" opacity=".72" />
    </svg>
  );
}
