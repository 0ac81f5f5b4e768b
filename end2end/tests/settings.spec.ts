import type { Tab } from './support/tab.ts';
import { expect, test } from './support/test.ts';
import { write } from './support/wire.ts';

declare global {
  interface Window {
    calls: { asked: number; shown: string[]; tones: number; answer: NotificationPermission };
  }
}

/** Chooses one of a few. */
async function choose(tab: Tab, what: string, option: string): Promise<void> {
  const group = tab.settings.getByRole('group', { name: what });
  await group.getByRole('radio', { name: option }).check();
  await expect(group.getByRole('radio', { name: option })).toBeChecked();
}

const html = (tab: Tab) => tab.page.locator('html');
const ground = (tab: Tab) => tab.page.evaluate(() => getComputedStyle(document.body).backgroundColor);

test('a theme is there at once, in the other tab, too, and on the next page before anything is painted', async ({ room, newcomer }) => {
  await write(room, 'Lin', 'Hello');
  const left = await newcomer(room, { colorScheme: 'light' });
  const right = await left.another();
  const light = await ground(left);

  await left.openSettings();
  await expect(left.settings.getByRole('group', { name: 'Theme' }).getByRole('radio', { name: 'System' })).toBeChecked();
  await choose(left, 'Theme', 'Dark');
  for (const tab of [left, right]) await expect(html(tab)).toHaveAttribute('data-theme', 'dark', { timeout: 1_000 });
  await expect.poll(() => ground(left)).not.toBe(light);
  const dark = await ground(left);
  await expect.poll(() => ground(right)).toBe(dark);

  // What the page is like when its body begins: nothing has been painted then, and no client runs.
  await right.page.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (document.body === null) return;
      observer.disconnect();
      const { theme, density } = document.documentElement.dataset;
      Object.assign(window, { begun: { theme, density } });
    }).observe(document, { childList: true, subtree: true });
  });
  await choose(left, 'Density', 'Compact');
  await right.reload();
  expect(await right.page.evaluate(() => (window as unknown as { begun: object }).begun)).toEqual({ theme: 'dark', density: 'compact' });
  expect(await ground(right)).toBe(dark);

  await choose(left, 'Theme', 'Light');
  await expect(html(right)).toHaveAttribute('data-theme', 'light', { timeout: 1_000 });
  await left.page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(() => ground(left)).toBe(light);
  await choose(left, 'Theme', 'System');
  await expect(html(right)).not.toHaveAttribute('data-theme', { timeout: 1_000 });
  await expect.poll(() => ground(left)).toBe(dark);
});

test('the compact density shows more of the log, at once and in the other tab', async ({ room, newcomer }) => {
  await write(room, 'Lin', ...Array.from({ length: 12 }, (_, index) => `Line ${index}`));
  const left = await newcomer(room);
  const right = await left.another();
  const height = (tab: Tab) => tab.log.locator('.column').evaluate((column) => column.getBoundingClientRect().height);
  const before = await height(left);

  await left.openSettings();
  await choose(left, 'Density', 'Compact');
  for (const tab of [left, right]) await expect.poll(() => height(tab), { timeout: 1_000 }).toBeLessThan(before);
  await choose(left, 'Density', 'Comfortable');
  for (const tab of [left, right]) await expect.poll(() => height(tab), { timeout: 1_000 }).toBe(before);
});

test('times are written as chosen, at once, in the other tab and after a reload', async ({ room, newcomer }) => {
  await write(room, 'Lin', 'When?');
  const left = await newcomer(room);
  const right = await left.another();
  const clock = (tab: Tab) => tab.row('When?').locator('time').first();
  const at = new Date((await clock(left).getAttribute('datetime')) ?? '');
  const written = (cycle: 'h12' | 'h23') =>
    at.toLocaleTimeString('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit', minute: '2-digit', hourCycle: cycle });

  await left.openSettings();
  for (const [option, cycle] of [['12 hours', 'h12'], ['24 hours', 'h23'], ['12 hours', 'h12']] as const) {
    await choose(left, 'Time', option);
    for (const tab of [left, right]) await expect(clock(tab)).toHaveText(written(cycle), { timeout: 1_000 });
  }
  await right.reload();
  await expect(clock(right)).toHaveText(written('h12'));
  await expect(right.rooms.getByRole('link').locator('time').first()).toHaveText(written('h12'));
  await right.openSettings();
  await expect(right.settings.getByRole('group', { name: 'Time' }).getByRole('radio', { name: '12 hours' })).toBeChecked();
});

test('the dialog closes by its button, by Escape and by a click beside it, and gives the focus back', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const gear = ada.you.getByRole('button', { name: 'Your settings' });
  const ways = [
    () => ada.settings.getByRole('button', { name: 'Close' }).click(),
    () => ada.page.keyboard.press('Escape'),
    () => ada.page.mouse.click(5, 5),
  ];
  for (const close of ways) {
    await ada.openSettings();
    await close();
    await expect(ada.settings).toBeHidden();
    await expect(gear).toBeFocused();
  }
});

/** Stands where the browser would show notifications and play tones, and counts. */
function count(answer: NotificationPermission): void {
  const calls = (window.calls = { asked: 0, shown: [] as string[], tones: 0, answer });
  const { start } = OscillatorNode.prototype;
  OscillatorNode.prototype.start = function (when) {
    calls.tones += 1;
    start.call(this, when);
  };
  let permission: NotificationPermission = localStorage.getItem('settings')?.includes('notify') ? answer : 'default';
  class Shown extends EventTarget {
    static get permission(): NotificationPermission {
      return permission;
    }
    static requestPermission(): Promise<NotificationPermission> {
      calls.asked += 1;
      permission = calls.answer;
      return Promise.resolve(permission);
    }
    constructor(title: string, { body }: NotificationOptions) {
      super();
      calls.shown.push(`${title}: ${body}`);
    }
  }
  Object.assign(window, { Notification: Shown });
}

const calls = (tab: Tab) => tab.page.evaluate(() => window.calls);

test('notifications are asked for by a click only, and come only while nobody looks', async ({ room, otherRoom, unopened }) => {
  const ada = await unopened(room);
  await ada.page.addInitScript(count, 'granted' as const);
  await ada.load();
  await ada.watch(false);
  await write(room, 'Lin', 'Before');
  await ada.sees('Before');
  expect(await calls(ada)).toMatchObject({ asked: 0, shown: [], tones: 0 });

  await ada.watch(true);
  await ada.openSettings();
  const box = ada.settings.getByRole('checkbox', { name: 'Show messages on the desktop' });
  await expect(box).not.toBeChecked();
  expect((await calls(ada)).asked).toBe(0);
  await box.check();
  await expect(box).toBeChecked();
  expect((await calls(ada)).asked).toBe(1);
  await ada.closeSettings();

  await write(room, 'Lin', 'While I look');
  await ada.sees('While I look');
  expect((await calls(ada)).shown).toEqual([]);
  await ada.watch(false);
  await write(room, 'Lin', 'While I do not');
  await ada.sees('While I do not');
  await expect.poll(async () => (await calls(ada)).shown).toEqual([`Lin in ${room.title}: While I do not`]);
  await ada.another().then(async (tab) => {
    await tab.say('Mine');
    await ada.sees('Mine');
    await tab.page.close();
  });
  expect((await calls(ada)).shown).toHaveLength(1);

  // Kept, and not asked for again.
  await ada.reload();
  await ada.watch(false);
  await write(room, 'Lin', 'Later');
  await expect.poll(async () => (await calls(ada)).shown).toEqual([`Lin in ${room.title}: Later`]);
  expect((await calls(ada)).asked).toBe(0);

  await ada.page.getByRole('button', { name: `Mute ${room.title}` }).click();
  await ada.enter(otherRoom);
  await write(room, 'Lin', 'Muted');
  await expect(ada.badge(room)).toBeVisible();
  await write(otherRoom, 'Lin', 'Not muted');
  await expect.poll(async () => (await calls(ada)).shown.at(-1)).toBe(`Lin in ${otherRoom.title}: Not muted`);
  expect((await calls(ada)).shown).toHaveLength(2);
});

test('a browser that refuses notifications: the box stays empty and the dialog says what to do', async ({ room, unopened }) => {
  const ada = await unopened(room);
  await ada.page.addInitScript(count, 'denied' as const);
  await ada.load();
  await ada.openSettings();
  const box = ada.settings.getByRole('checkbox', { name: 'Show messages on the desktop' });
  await box.click();
  await expect(ada.settings.getByText('The browser does not allow it')).toBeVisible();
  await expect(box).not.toBeChecked();
  expect(await ada.stored('settings')).not.toContain('notify');
});

test('a sound plays when it is chosen, for what comes while nobody looks, but not for every message of a burst', async ({ room, unopened }) => {
  const ada = await unopened(room);
  await ada.page.addInitScript(count, 'default' as const);
  await ada.load();
  await ada.openSettings();
  await ada.settings.getByRole('checkbox', { name: 'Play a sound' }).check();
  const once = (await calls(ada)).tones;
  expect(once, 'how it sounds').toBeGreaterThan(0);
  await ada.closeSettings();
  await write(room, 'Lin', 'While I look');
  await ada.sees('While I look');
  expect((await calls(ada)).tones).toBe(once);

  await ada.watch(false);
  await write(room, 'Lin', 'One', 'Two', 'Three');
  await ada.sees('Three');
  expect((await calls(ada)).tones).toBe(2 * once);
  expect((await calls(ada)).asked).toBe(0);

  // Browsers play nothing in a page that was not clicked in, and complain about those who try: nobody is to see that.
  await ada.reload();
  await ada.watch(false);
  await write(room, 'Lin', 'After a reload');
  await ada.sees('After a reload');
});
