import type { Line } from '../api/types';
import { t } from '../model/i18n';
import { go } from '../live/router';
import { Dialog } from './dialog';
import { ScanPanel } from './scan';

export default function ScanDialog({ line, onClose }: { line: Line; onClose: () => void }) {
  return (
    <Dialog title={t('scan.title', { name: line.name })} onClose={onClose} wide>
      <ScanPanel line={line} onClose={onClose} onAdded={(d) => { onClose(); go(d.length === 1 ? `/devices/${d[0]!.id}` : `/devices?line=${line.id}&state=never`); }} />
    </Dialog>
  );
}
