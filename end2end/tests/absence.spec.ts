import { missLines } from './support/absence.ts';
import { CONNECTION_REFUSED } from './support/calm.ts';
import { scrollThrough } from './support/reader.ts';
import { expect, test } from './support/test.ts';
import { lines } from './support/wire.ts';

test('what was said while I was away is all there when I am back', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  await missLines(ada, room, 230);
  const { texts, disorder } = await scrollThrough(ada, 'up');
  expect(texts).toEqual(['Bye', ...lines(230)]);
  expect(disorder).toEqual([]);
  await expect(ada.log.locator('.hole')).toHaveCount(0);
});

test('after a very long absence the page says where messages are missing, and loads them', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  await missLines(ada, room, 1_010);
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
