// Somebody who was away.

import { expect } from '@playwright/test';

import type { Room } from './server.ts';
import type { Tab } from './tab.ts';
import { lines, write } from './wire.ts';

/** Says goodbye, loses the network and with it the socket, and is back when somebody else has written so many lines. */
export async function missLines(tab: Tab, room: Room, count: number): Promise<void> {
  await tab.say('Bye');
  await tab.sees('Bye');
  await tab.page.context().setOffline(true);
  await expect(tab.banner).toContainText('Reconnecting');
  await write(room, 'Lin', ...lines(count));
  await tab.page.context().setOffline(false);
  await tab.connected();
  await tab.sees(`Line ${count - 1}`);
}
