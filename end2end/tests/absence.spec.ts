import { CONNECTION_REFUSED } from './support/calm.ts';
import { scrollThrough } from './support/reader.ts';
import type { Tab } from './support/tab.ts';
import { expect, test } from './support/test.ts';
import { lines, write } from './support/wire.ts';

/** The network goes, and with it the socket. */
async function leave(tab: Tab): Promise<void> {
  await tab.page.context().setOffline(true);
  await expect(tab.banner).toContainText('Reconnecting');
}

async function back(tab: Tab): Promise<void> {
  await tab.page.context().setOffline(false);
  await tab.connected();
}

test('what was said while I was away is all there when I am back', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  await ada.say('Bye');
  await ada.sees('Bye');

  await leave(ada);
  await write(room, 'Lin', ...lines(230));
  await back(ada);

  await ada.sees('Line 229');
  const { texts, disorder } = await scrollThrough(ada, 'up');
  expect(texts).toEqual(['Bye', ...lines(230)]);
  expect(disorder).toEqual([]);
  await expect(ada.log.locator('.hole')).toHaveCount(0);
});

test('after a very long absence the page says where messages are missing, and loads them', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  await ada.say('Bye');
  await ada.sees('Bye');

  await leave(ada);
  await write(room, 'Lin', ...lines(1_010));
  await back(ada);

  await ada.seesAll(['Bye', ...lines(50, 960)], 'stored');
  const hole = ada.log.locator('.hole');
  await expect(hole).toHaveCount(1);
  await hole.getByRole('button').click();
  await expect(ada.row('Line 959')).toHaveCount(1);
  const [bye, ...rest] = await ada.texts();
  expect(bye).toBe('Bye');
  expect(rest).toEqual(lines(rest.length, Number(rest[0]?.slice('Line '.length))));
});

test('a server that has lost everything is shown as it is, and what waits still arrives', async ({ startServer, newcomer, calm }) => {
  const server = await startServer({ restarts: true });
  const ada = await newcomer(server.room('room1'));
  await ada.say('Old');
  await ada.sees('Old');
  calm.expect(CONNECTION_REFUSED);
  await server.kill();
  await server.wipe();
  await ada.say('Waiting');
  await ada.sees('Waiting', 'sending');
  await server.start();

  await ada.seesAll(['Waiting'], 'stored');
  const lin = await newcomer(server.room('room1'));
  await lin.seesAll(['Waiting'], 'stored');
  await lin.say('New');
  await ada.seesAll(['Waiting', 'New'], 'stored');
});
