import type { Tab } from './support/tab.ts';
import { expect, test } from './support/test.ts';
import { write } from './support/wire.ts';

// Console lines and violations of the content security policy fail every test, these too: see support/calm.ts.

interface Shift {
  value: number;
  inLog: boolean;
  moved: string[];
}

declare global {
  interface Window {
    shifts: Shift[];
  }
}

test('the client goes on from the page and fetches no history', async ({ room, unopened }) => {
  await write(room, 'Lin', 'One', 'Two', 'Three');
  const ada = await unopened(room);
  await ada.load();
  await ada.seesAll(['One', 'Two', 'Three'], 'stored');
  await ada.page.waitForLoadState('networkidle');

  const paths = ada.requests.map((url) => new URL(url).pathname);
  expect(paths.filter((path) => path.startsWith('/api/'))).toEqual([]);
  expect(paths.filter((path) => path.startsWith('/rooms/'))).toEqual([`/rooms/${room.name}`]);
  expect(ada.sockets).toHaveLength(1);
  expect(ada.frames('sent', 'sync:room')).toEqual([]);
  const [hello] = ada.frames('sent', 'hello');
  const resumed = hello?.data.rooms as { room: string; epoch: number; after: number }[];
  expect(resumed.map((entry) => entry.room)).toEqual([room.name]);
  const [joined] = ada.frames('received', 'room:joined');
  expect(joined?.data.items).toEqual([]);
  expect(joined?.data.reset).toBe(false);
  expect(resumed[0]?.after).toBe(joined?.data.head);
});

test('rows of the page are taken over, not drawn again', async ({ room, unopened }) => {
  await write(room, 'Lin', 'One', 'Two');
  const ada = await unopened(room);
  await ada.page.addInitScript(() => {
    document.addEventListener('DOMContentLoaded', () => {
      Object.assign(window, { served: [...document.querySelectorAll('article, h1, textarea, [role="log"]')] });
    });
  });
  await ada.load();

  const served = await ada.page.evaluate(() => {
    const { served } = window as unknown as { served: Element[] };
    return served.map((element) => element.isConnected);
  });
  expect(served.length).toBeGreaterThanOrEqual(5);
  expect(served).not.toContain(false);
});

test('nothing jumps when the client starts, own messages neither', async ({ room, newcomer }) => {
  await write(room, 'Lin', 'From Lin', 'And again');
  const ada = await newcomer(room);
  await ada.say('Mine', 'And mine again');
  await ada.seesAll(['From Lin', 'And again', 'Mine', 'And mine again'], 'stored');
  await ada.page.addInitScript(() => {
    const shifts: Shift[] = (window.shifts = []);
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; sources: { node?: Node }[] })[]) {
        const nodes = entry.sources.map(({ node }) => (node instanceof Element ? node : node?.parentElement));
        shifts.push({
          value: entry.value,
          inLog: nodes.some((node) => node?.closest('main') != null),
          moved: nodes.map((node) => node?.outerHTML.slice(0, 120) ?? ''),
        });
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await ada.reload();
  await painted(ada);

  const shifts = await ada.page.evaluate(() => window.shifts);
  expect(shifts.filter((shift) => shift.inLog), 'what moved in the room').toEqual([]);
  // In the list of rooms, times become those of the reader's zone.
  expect(shifts.reduce((sum, shift) => sum + shift.value, 0)).toBeLessThan(0.01);
});

test('a message that comes between the page and the socket is not missed', async ({ room, unopened }) => {
  await write(room, 'Lin', 'On the page');
  const ada = await unopened(room);
  let held = () => {};
  const released = new Promise<void>((resolve) => (held = resolve));
  await ada.page.route('**/*.wasm', async (route) => {
    await released;
    await route.continue();
  });
  await ada.page.goto(`${room.origin}/rooms/${room.name}`);
  await ada.seesAll(['On the page']);
  await write(room, 'Lin', 'Before the client');
  held();

  await ada.alive();
  await ada.seesAll(['On the page', 'Before the client'], 'stored');
});

test('every page is served with the strict headers', async ({ room, request }) => {
  for (const path of [`/rooms/${room.name}`, '/rooms/nowhere', '/nowhere', '/api/rooms', '/avatar/x.svg']) {
    const headers = (await request.get(room.origin + path)).headers();
    const policy = headers['content-security-policy'] ?? '';
    expect(policy, path).toContain("default-src 'none'");
    expect(policy, path).not.toMatch(/unsafe-inline|'unsafe-eval'|\*/);
    expect(headers['x-content-type-options'], path).toBe('nosniff');
    expect(headers['referrer-policy'], path).toBe('no-referrer');
  }
});

/** Two frames later, everything that was to be drawn is drawn. */
async function painted(tab: Tab): Promise<void> {
  await tab.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}
