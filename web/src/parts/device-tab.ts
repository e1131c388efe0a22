import type { Device, Latest } from '../api/types';
import type { Resource } from '../live/resource';

/** What every tab of the device page gets. */
export interface TabProps { device: Device; latest: Resource<Latest>; reload: () => void }
