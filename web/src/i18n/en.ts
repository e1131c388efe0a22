// English as its own chunk. Through a module, because a bundled JSON file would repeat every key as an export name.
import en from './en.json';

export default en;
