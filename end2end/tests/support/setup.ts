// Before anything else: is there something to test?

import { binary } from './server.ts';

export default function setup(): void {
  binary();
}
