import { expect, test } from './support/test.ts';
import { stored } from './support/wire.ts';

const SENDS = 30;

test('a connection cut right after each message left shows every reader each message once', async ({ room, newcomer, unopened, proxyOf }) => {
  test.setTimeout(90_000);
  const proxy = await proxyOf(room);
  const ada = await newcomer(proxy.room(room));
  const lin = await newcomer(room);
  const seen = new Set<string>();
  // The answer is lost, or the message itself, or nobody knows.
  const fates = ['answer', 'answer', 'abandon', 'drop'] as const;
  proxy.fate = (text) => {
    const { event, data } = JSON.parse(text) as { event: string; data: { cid: string } };
    if (event !== 'event:message' || seen.has(data.cid)) return 'pass';
    seen.add(data.cid);
    return fates[seen.size % fates.length] ?? 'pass';
  };

  const texts = Array.from({ length: SENDS }, (_, index) => `Message ${index}`);
  await ada.say(...texts);

  await expect(ada.log.locator('article[data-state="stored"]')).toHaveCount(SENDS, { timeout: 75_000 });
  for (const tab of [ada, lin]) await tab.seesAll(texts, 'stored');
  expect(seen.size).toBe(SENDS);
  expect(ada.sockets.length).toBeGreaterThan(SENDS);
  expect((await stored(room)).map((message) => message.message)).toEqual(texts);
  const later = await unopened(room, { javaScriptEnabled: false });
  await later.page.goto(`${room.origin}/rooms/${room.name}`);
  await later.seesAll(texts);
});
