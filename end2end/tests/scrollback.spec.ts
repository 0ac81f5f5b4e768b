import { missLines } from './support/absence.ts';
import { DRAWN, position, scrollThrough, scrollUp, stand, stood } from './support/reader.ts';
import type { Tab } from './support/tab.ts';
import { expect, test } from './support/test.ts';
import { lines, write } from './support/wire.ts';

/** An id as messages have them, of none. */
const NOBODYS = '61068ac8-be10-8324-8206-116820cf4008';

/** Texts of very different length, each another one. */
function texts(count: number): string[] {
  return lines(count).map((line, index) => (index % 7 === 3 ? `${line} ${'and many words '.repeat(5 + (index % 40))}`.trim() : line));
}

/** The first line that stands in the page. */
async function top(tab: Tab): Promise<string> {
  return (await tab.bubbles.first().textContent()) ?? '';
}

test('I scroll up and down through 400 messages: each once, in order, and never more than 120 of them in the page', async ({ room, newcomer }) => {
  test.setTimeout(60_000);
  const written = texts(400);
  await write(room, 'Lin', ...written);
  const ada = await newcomer(room);
  await expect(ada.row('Line 399')).toBeInViewport();

  const up = await scrollThrough(ada, 'up');
  expect(up.texts).toEqual(written);
  expect(up.disorder).toEqual([]);
  expect(await top(ada)).toBe('Line 0');
  await expect(ada.log.getByRole('button', { name: /older/ })).toHaveCount(0);
  await expect(ada.log.getByRole('heading', { level: 2 })).toHaveText(['Today']);
  const down = await scrollThrough(ada, 'down');
  expect(down.texts).toEqual(written);
  expect(down.disorder).toEqual([]);
  await expect(ada.row('Line 399')).toBeInViewport();
  expect(Math.max(up.rows, down.rows)).toBeLessThanOrEqual(DRAWN);
  expect(up.rows).toBeGreaterThan(DRAWN / 2);
});

test('the message that I read stays where it is while older ones come above it', async ({ room, newcomer, proxyOf }) => {
  await write(room, 'Lin', ...texts(400));
  const proxy = await proxyOf(room);
  const ada = await newcomer(proxy.room(room));
  proxy.delay = 150;
  for (let page = 0; page < 4; page++) {
    const before = await top(ada);
    await stand(ada, 40);
    await expect.poll(() => top(ada)).not.toBe(before);
    const { moved, frames, rows, there, first } = await stood(ada);
    expect(first[0]).not.toBe(first[1]);
    expect(there, 'the message is in the page').toBe(true);
    expect(moved, `pixels moved by page ${page}`).toBeLessThanOrEqual(1);
    expect(frames).toBeGreaterThan(2);
    expect(rows).toBeLessThanOrEqual(DRAWN);
  }
});

test('the message that I read stays where it is when the window becomes narrower, lower, and wide again', async ({ room, newcomer }) => {
  await write(room, 'Lin', ...texts(120));
  const ada = await newcomer(room, { viewport: { width: 1200, height: 800 } });
  const { top: end } = await position(ada);
  await stand(ada, end / 2);
  for (const size of [
    { width: 500, height: 800 },
    { width: 500, height: 500 },
    { width: 1400, height: 900 },
  ]) {
    await ada.page.setViewportSize(size);
    await expect.poll(() => ada.page.evaluate(() => [innerWidth, innerHeight])).toEqual([size.width, size.height]);
  }
  const { moved, there } = await stood(ada);
  expect(there).toBe(true);
  expect(moved, 'pixels moved').toBeLessThanOrEqual(1);
});

test('the message that I read stays where it is when something above it grows', async ({ room, newcomer }) => {
  await write(room, 'Lin', ...texts(120));
  const ada = await newcomer(room);
  const { top: end } = await position(ada);
  await stand(ada, end / 2);
  // As a picture does that comes late.
  const grown = await ada.rows.first().evaluate((row) => {
    (row as HTMLElement).style.paddingBlockStart = '300px';
    return row.getBoundingClientRect().height;
  });
  expect(grown).toBeGreaterThan(300);
  const { moved } = await stood(ada);
  expect(moved, 'pixels moved').toBeLessThanOrEqual(1);
  expect((await position(ada)).top).toBeGreaterThan(end / 2 + 250);
});

test('who reads further up is not moved by new messages; a button counts them and leads to the end', async ({ room, newcomer }) => {
  await write(room, 'Lin', ...lines(60));
  const ada = await newcomer(room);
  await expect(ada.pill).toBeHidden();
  await scrollUp(ada, 500);
  await expect(ada.pill).toHaveText('Latest messages');
  const before = await position(ada);
  await stand(ada, before.top);

  await write(room, 'Lin', 'New 1');
  await expect(ada.pill).toHaveText('1 new message');
  await write(room, 'Grace', 'New 2', 'New 3');
  await expect(ada.pill).toHaveText('3 new messages');
  expect((await stood(ada)).moved).toBeLessThanOrEqual(1);
  expect((await position(ada)).top).toBe(before.top);
  await expect(ada.row('New 3')).not.toBeInViewport();

  await ada.pill.click();
  await expect(ada.row('New 3')).toBeInViewport({ ratio: 1 });
  await expect(ada.pill).toBeHidden();
  await write(room, 'Lin', 'New 4');
  await expect(ada.row('New 4')).toBeInViewport({ ratio: 1 });
});

test('what I write leads to the end, and is not counted as new', async ({ room, newcomer }) => {
  await write(room, 'Lin', ...lines(60));
  const ada = await newcomer(room);
  const mine = await ada.another();
  await scrollUp(ada, 600);
  await expect(ada.pill).toHaveText('Latest messages');
  await mine.say('From my other tab');
  await mine.sees('From my other tab');
  await write(room, 'Lin', 'From Lin');
  await expect(ada.pill).toHaveText('1 new message');

  await ada.say('Mine');
  await expect(ada.row('Mine')).toBeInViewport({ ratio: 1 });
  await ada.sees('Mine');
  await expect(ada.pill).toBeHidden();
});

test('a room that is very long keeps its end at hand: it can be reached from the very top', async ({ room, newcomer }) => {
  test.setTimeout(60_000);
  await write(room, 'Lin', ...lines(300));
  const ada = await newcomer(room);
  await scrollThrough(ada, 'up');
  await write(room, 'Lin', 'The newest');
  await expect(ada.pill).toHaveText('1 new message');
  await ada.pill.click();
  await expect(ada.row('The newest')).toBeInViewport({ ratio: 1 });
  await expect(ada.pill).toBeHidden();
  expect((await position(ada)).bottom).toBeLessThanOrEqual(1);
});

test('while I read further up the page says which day I read', async ({ room, newcomer }) => {
  await write(room, 'Lin', ...lines(60));
  const ada = await newcomer(room);
  const reading = ada.page.locator('.reading');
  await expect(reading).toBeHidden();
  await scrollUp(ada, 600);
  await expect(reading).toHaveText('Today');
  // The day after, as far as this browser knows.
  await ada.page.evaluate(() => {
    const now = Date.now;
    Date.now = () => now() + 86_400_000;
  });
  await expect(reading).toHaveText('Yesterday');
  await expect(ada.log.getByRole('heading', { level: 2 }).first()).toHaveText('Yesterday');
  await ada.pill.click();
  await expect(reading).toBeHidden();
});

test('a link to a message far back shows it in the middle, marked, with what stood around it, and a way to the end', async ({ room, newcomer, unopened }) => {
  test.setTimeout(60_000);
  const places = await write(room, 'Lin', ...lines(400));
  const ada = await unopened(room);
  await ada.open(places[150]?.id ?? '');

  await expectCentred(ada, 'Line 150');
  await expect(ada.row('Line 150')).toHaveClass(/\btarget\b/);
  await expect(ada.log.locator('.target')).toHaveCount(1);
  for (const around of ['Line 146', 'Line 154']) await expect(ada.row(around)).toBeInViewport({ ratio: 1 });
  expect(await ada.rows.count()).toBeLessThanOrEqual(DRAWN);
  await expect(ada.pill).toHaveText('Latest messages');

  const down = await scrollThrough(ada, 'down');
  expect(down.texts.at(-1)).toBe('Line 399');
  expect(down.texts).toEqual(lines(down.texts.length, 400 - down.texts.length));
  expect(down.disorder).toEqual([]);
  await expect(ada.log.locator('.hole')).toHaveCount(0);
  const up = await scrollThrough(ada, 'up');
  expect(up.texts).toEqual(lines(400));

  const lin = await newcomer(room);
  await lin.open(places[30]?.id ?? '');
  await expectCentred(lin, 'Line 30');
  await lin.pill.click();
  await expect(lin.row('Line 399')).toBeInViewport({ ratio: 1 });
  await expect(lin.pill).toBeHidden();
});

async function expectCentred(tab: Tab, text: string): Promise<void> {
  await expect(tab.row(text)).toBeInViewport({ ratio: 1 });
  const off = async () => {
    const [log, row] = [await tab.log.boundingBox(), await tab.row(text).boundingBox()];
    if (log === null || row === null) return Infinity;
    return Math.abs(log.y + log.height / 2 - (row.y + row.height / 2)) / log.height;
  };
  await expect.poll(off, 'how far from the middle, as a part of the height').toBeLessThan(0.1);
}

test('a link to a message that is loaded already leads there without loading the page', async ({ room, newcomer }) => {
  await write(room, 'Lin', ...lines(45));
  const ada = await newcomer(room);
  await scrollThrough(ada, 'up');
  await ada.row('Line 3').hover();
  await expect(ada.tools).toBeVisible();
  await ada.tools.getByRole('link').click();
  await expect(ada.page).toHaveURL(/\?m=[0-9a-f-]{36}$/);
  await expect(ada.row('Line 3')).toHaveClass(/\btarget\b/);

  await ada.pill.click();
  await expect(ada.row('Line 44')).toBeInViewport({ ratio: 1 });
  await ada.row('Line 40').hover();
  await ada.tools.getByRole('link').click();
  await expect(ada.row('Line 40')).toHaveClass(/\btarget\b/);
  await ada.page.goBack();
  await expect(ada.row('Line 3')).toHaveClass(/\btarget\b/);
  await expect(ada.row('Line 3')).toBeInViewport({ ratio: 1 });
  await ada.page.goForward();
  await expect(ada.row('Line 40')).toHaveClass(/\btarget\b/);
  await expect(ada.row('Line 40')).toBeInViewport({ ratio: 1 });
  expect(ada.sockets).toHaveLength(1);
});

test('back and forward lead through rooms and messages', async ({ room, otherRoom, newcomer }) => {
  const places = await write(room, 'Lin', ...lines(200));
  await write(otherRoom, 'Lin', 'Elsewhere');
  const ada = await newcomer(otherRoom);
  // Somebody pastes a link to a message of another room, and it is clicked.
  await write(otherRoom, 'Lin', `Look: ${room.origin}/rooms/${room.name}?m=${places[20]?.id}`);
  await ada.enter(room);
  await ada.sees('Line 199');
  await ada.page.evaluate((address) => {
    history.pushState(null, '', address);
    window.dispatchEvent(new PopStateEvent('popstate'));
  }, `/rooms/${room.name}?m=${places[20]?.id}`);
  await expectCentred(ada, 'Line 20');
  await ada.page.goBack();
  await ada.page.goBack();
  await expect(ada.heading).toHaveText(otherRoom.title);
  ada.room = otherRoom;
  await ada.sees('Elsewhere');
  await ada.page.goForward();
  ada.room = room;
  await expect(ada.heading).toHaveText(room.title);
  await ada.page.goForward();
  await expectCentred(ada, 'Line 20');
  expect(ada.sockets).toHaveLength(1);
});

test('a link to a message that does not exist says so, and the room is there', async ({ room, otherRoom, unopened }) => {
  await write(room, 'Lin', ...lines(60));
  const ada = await unopened(room);
  await ada.open(NOBODYS);
  const absent = ada.page.getByText('The message of this link is not in this room.');
  await expect(absent).toBeVisible();
  await expect(ada.row('Line 59')).toBeInViewport({ ratio: 1 });
  await ada.say('So be it');
  await ada.sees('So be it');

  // It is about that link, and goes when the reader goes on.
  await ada.enter(otherRoom);
  await expect(absent).toBeHidden();
  await ada.enter(room);
  await ada.sees('So be it');
  await expect(absent).toBeHidden();
});

test('messages that are missing are loaded when they are reached, from below', async ({ room, newcomer }) => {
  test.setTimeout(90_000);
  const ada = await newcomer(room);
  await missLines(ada, room, 1_060);
  await expect(ada.log.locator('.hole')).toHaveText(/Some messages were not loaded/);

  const up = await scrollThrough(ada, 'up', 60_000);
  expect(up.texts).toEqual(['Bye', ...lines(1_060)]);
  expect(up.disorder).toEqual([]);
  expect(up.rows).toBeLessThanOrEqual(DRAWN);
  await expect(ada.log.locator('.hole')).toHaveCount(0);
});

test('the message that I read stays where it is while messages that are missing come above it', async ({ room, newcomer, proxyOf }) => {
  const proxy = await proxyOf(room);
  const ada = await newcomer(proxy.room(room));
  await missLines(ada, room, 1_060);
  proxy.delay = 150;
  for (let page = 0; page < 3; page++) {
    const pages = ada.frames('received', 'room:page').length;
    const below = await ada.log.evaluate((log) => {
      const hole = log.querySelector('.hole');
      if (hole === null) throw new Error('nothing is missing');
      return hole.getBoundingClientRect().bottom - log.getBoundingClientRect().top + log.scrollTop;
    });
    await stand(ada, below - 20);
    await expect.poll(() => ada.frames('received', 'room:page').length).toBeGreaterThan(pages);
    const { moved, there } = await stood(ada);
    expect(there, 'the message is in the page').toBe(true);
    expect(moved, `pixels moved by page ${page}`).toBeLessThanOrEqual(1);
  }
});

test('the link and the text of a message can be copied', async ({ room, newcomer }) => {
  const [place] = await write(room, 'Lin', 'Copy *me*\nwith two lines');
  const ada = await newcomer(room);
  await ada.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await expect(ada.tools).toHaveCount(0);
  await ada.rows.first().hover();
  await ada.tools.getByRole('button', { name: 'Copy link' }).click();
  await expect(ada.tools.getByRole('status')).toHaveText('Link copied');
  const link = `${room.origin}/rooms/${room.name}?m=${place?.id}`;
  expect(await ada.page.evaluate(() => navigator.clipboard.readText())).toBe(link);
  await ada.tools.getByRole('button', { name: 'Copy text' }).click();
  await expect(ada.tools.getByRole('status')).toHaveText('Text copied');
  expect(await ada.page.evaluate(() => navigator.clipboard.readText())).toBe('Copy *me*\nwith two lines');
  await ada.composer.hover();
  await expect(ada.tools).toHaveCount(0);

  await ada.page.goto(link);
  await ada.alive();
  await expect(ada.rows.first()).toHaveClass(/\btarget\b/);
});
