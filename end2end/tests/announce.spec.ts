// What a screen reader says by itself: what comes into the log while it is live.

import { listenToBanner } from './support/banner.ts';
import { scrollThrough } from './support/reader.ts';
import type { Tab } from './support/tab.ts';
import { expect, test } from './support/test.ts';
import { lines, write } from './support/wire.ts';

/** From now on, notes what a screen reader would read out: rows that come into the log while it is not off. */
async function listen(tab: Tab): Promise<void> {
  await tab.page.evaluate(() => {
    const said: string[] = [];
    Object.assign(window, { said });
    const isLive = (node: Node) => {
      const region = (node instanceof Element ? node : node.parentElement)?.closest('[aria-live], [role="log"]');
      return region != null && region.getAttribute('aria-live') !== 'off';
    };
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes) {
        for (const node of addedNodes) {
          if (!(node instanceof Element) || !isLive(node)) continue;
          const rows = node.matches('article') ? [node] : [...node.querySelectorAll('article')];
          said.push(...rows.map((row) => row.textContent ?? ''));
        }
      }
    }).observe(document.body, { childList: true, subtree: true });
  });
}

const said = (tab: Tab) => tab.page.evaluate(() => (window as unknown as { said: string[] }).said);

test('each new message is said once, with who wrote it and when', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  await expect(ada.log).toHaveAttribute('aria-live', 'polite');
  await listen(ada);
  await write(room, 'Lin', 'First', 'Second');
  await ada.sees('Second');
  await ada.say('Mine');
  await ada.sees('Mine');

  const heard = await said(ada);
  expect(heard).toHaveLength(3);
  expect(heard[0]).toMatch(/^Lin\d\d:\d\dFirst$/);
  expect(heard[1]).toMatch(/^Lin, \d\d:\d\d: Second$/);
  expect(heard[2]).toMatch(/^You, .*Mine/);
});

test('in a room so long that old rows go, only the new message is said', async ({ room, newcomer }) => {
  await write(room, 'Lin', ...lines(200));
  const ada = await newcomer(room);
  await scrollThrough(ada, 'up');
  await ada.pill.click();
  await expect(ada.row('Line 199')).toBeInViewport();
  await expect(ada.log).toHaveAttribute('aria-live', 'polite');
  await listen(ada);
  await write(room, 'Lin', 'New');
  await ada.sees('New');
  expect((await said(ada)).map((text) => text.slice(-3))).toEqual(['New']);
});

test('nothing of the history is said: not older pages, not the way back to the end', async ({ room, newcomer }) => {
  test.setTimeout(60_000);
  await write(room, 'Lin', ...lines(300));
  const ada = await newcomer(room);
  await listen(ada);
  await scrollThrough(ada, 'up');
  await scrollThrough(ada, 'down');
  await scrollThrough(ada, 'up');
  await ada.pill.click();
  await expect(ada.row('Line 299')).toBeInViewport();
  expect(await said(ada)).toEqual([]);
  // And then it speaks again.
  await expect(ada.log).toHaveAttribute('aria-live', 'polite');
  await write(room, 'Lin', 'New');
  await ada.sees('New');
  expect(await said(ada)).toHaveLength(1);
});

test('entering a room says nothing of what was said there before', async ({ room, otherRoom, newcomer }) => {
  await write(room, 'Lin', ...lines(20));
  await write(otherRoom, 'Lin', ...lines(20, 100));
  const ada = await newcomer(room);
  await listen(ada);
  await ada.enter(otherRoom);
  await ada.sees('Line 119');
  await ada.enter(room);
  await ada.sees('Line 19');
  expect(await said(ada)).toEqual([]);
  await expect(ada.log).toHaveAttribute('aria-live', 'polite');
  await write(room, 'Lin', 'New');
  await ada.sees('New');
  expect(await said(ada)).toHaveLength(1);
});

test('a link to a message far back says nothing of what stands around it', async ({ room, newcomer }) => {
  const places = await write(room, 'Lin', ...lines(300));
  const ada = await newcomer(room);
  await listen(ada);
  await ada.page.evaluate((address) => {
    history.pushState(null, '', address);
    window.dispatchEvent(new PopStateEvent('popstate'));
  }, `/rooms/${room.name}?m=${places[20]?.id}`);
  await expect(ada.row('Line 20')).toBeInViewport();
  await expect(ada.log).toHaveAttribute('aria-live', 'polite');
  expect(await said(ada)).toEqual([]);
});

test('the loss of the connection and its return are said politely, each once', async ({ room, newcomer, proxyOf }) => {
  const proxy = await proxyOf(room);
  const ada = await newcomer(proxy.room(room));
  await expect(ada.page.getByRole('status').filter({ has: ada.page.locator('p') })).toHaveCount(0);
  await ada.page.context().setOffline(true);
  await expect(ada.page.getByRole('status').filter({ hasText: 'Reconnecting' })).toHaveCount(1);
  const banner = await listenToBanner(ada);
  await ada.page.context().setOffline(false);
  await expect.poll(banner).toContain('Back online');
  await expect(ada.banner).toBeHidden();
  expect((await banner()).filter((text) => text === 'Back online')).toHaveLength(1);
  await expect(ada.page.locator('[aria-live="assertive"], [role="alert"]')).toHaveCount(0);
});
