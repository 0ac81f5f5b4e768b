import { CONNECTION_REFUSED } from './support/calm.ts';
import type { Tab } from './support/tab.ts';
import { expect, test } from './support/test.ts';
import { write } from './support/wire.ts';

function lines(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, index) => `Line ${from + index}`);
}

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

  await ada.seesAll(['Bye', ...lines(230)], 'stored');
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
  await expect.poll(async () => (await ada.texts()).length).toBeGreaterThan(51);
  const texts = await ada.texts();
  expect(texts).toEqual(['Bye', ...lines(texts.length - 1, 1_010 - (texts.length - 1))]);
});

test('older messages come when I scroll up, in order and each once', async ({ room, newcomer }) => {
  await write(room, 'Lin', ...lines(130));
  const ada = await newcomer(room);
  await ada.seesAll(lines(50, 80), 'stored');

  await expect(async () => {
    await ada.log.evaluate((log) => log.scrollTo(0, 0));
    expect(await ada.rows.count()).toBe(130);
  }).toPass();

  await ada.seesAll(lines(130), 'stored');
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
