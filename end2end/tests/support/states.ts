// The page in the states that people see it in, for everything that looks at all of them.

import { expect } from '@playwright/test';

import { missLines } from './absence.ts';
import { CONNECTION_REFUSED } from './calm.ts';
import { refuse } from './refuse.ts';
import type { Room } from './server.ts';
import type { Tab } from './tab.ts';
import type { Fixtures } from './test.ts';
import { WireUser, lines, write } from './wire.ts';

type Parts = Pick<Fixtures, 'startServer' | 'unopened' | 'newcomer' | 'calm'>;

export const STATES = {
  async empty({ startServer, newcomer }: Parts): Promise<Tab> {
    const tab = await newcomer((await startServer()).room('room1'));
    await expect(tab.page.getByText('No messages yet. Start chatting!')).toBeVisible();
    return tab;
  },

  async busy({ startServer, newcomer }: Parts): Promise<Tab> {
    const server = await startServer();
    const room = server.room('room2');
    await write(server.room('room1'), 'Tim', 'Welcome, Noor! Ask anything.');
    const lin = await WireUser.connect(room, 'Lin');
    const grace = await WireUser.connect(room, 'Grace');
    await lin.say(
      'The mirror is back from coating: 94 % reflectivity, a little better than promised.',
      'Photos: https://example.org/telescope/mirror/after-coating',
    );
    await grace.say('Beautiful. Who wants to help with the mount on Friday?', '🌙✨', 'One line\nand another\n\nand a last one');
    const tab = await newcomer(room);
    await tab.rename('Ada');
    await tab.say('I do.', 'I will check the wheel tonight, and photograph the wiring before anybody touches it.');
    await lin.say('And write down the offset this time.');
    await tab.sees('And write down the offset this time.');
    await tab.say('Done.');
    await tab.sees('Done.');
    lin.close();
    grace.close();
    return tab;
  },

  async long({ startServer, newcomer }: Parts): Promise<Tab> {
    const room = (await startServer()).room('room1');
    await write(room, 'Wolfeschlegelsteinhausenbergerdo', 'Donaudampfschifffahrt'.repeat(20), 'שלום לכולם, מה שלומכם היום?');
    const tab = await newcomer(room);
    await tab.say(`https://example.org/${'path'.repeat(60)}`, 'A long text in many words. '.repeat(30).trim());
    await expect(tab.log.locator('article[data-state="stored"]')).toHaveCount(4);
    return tab;
  },

  async refused({ startServer, unopened }: Parts): Promise<Tab> {
    const room = (await startServer()).room('room1');
    await write(room, 'Lin', 'Bring a red torch, please.');
    const tab = await unopened(room);
    await refuse(tab.page, 1, 'forbidden');
    await tab.load();
    await tab.say('Everyone who comes on Friday: bring two.');
    await tab.sees('Everyone who comes on Friday: bring two.', 'refused');
    return tab;
  },

  async offline({ startServer, newcomer, calm }: Parts): Promise<Tab> {
    const server = await startServer({ restarts: true });
    const room = server.room('room1');
    await write(room, 'Lin', 'Is anybody still up?');
    const tab = await newcomer(room);
    calm.expect(CONNECTION_REFUSED);
    await server.kill();
    await expect(tab.banner).toContainText('Reconnecting');
    await tab.say('I am.', 'But the server is not.');
    await tab.sees('But the server is not.', 'sending');
    return tab;
  },

  async settings({ startServer, newcomer }: Parts): Promise<Tab> {
    const room = (await startServer()).room('room1');
    await write(room, 'Lin', 'What is your name?');
    const tab = await newcomer(room);
    const field = await tab.openSettings();
    await field.fill(' ');
    await tab.settings.getByRole('button', { name: 'Save' }).click();
    return tab;
  },

  async switcher({ startServer, newcomer }: Parts): Promise<Tab> {
    const server = await startServer();
    const [room, other] = [server.room('room1'), server.room('room3')];
    const tab = await newcomer(other);
    await tab.enter(room);
    await write(other, 'Lin', 'One', 'Two');
    await expect(tab.badge(other)).toBeVisible();
    await tab.page.keyboard.press('Control+k');
    await expect(tab.switcher.getByRole('option')).toHaveCount(4);
    return tab;
  },

  async nowhere({ startServer, newcomer }: Parts): Promise<Tab> {
    const tab = await newcomer((await startServer()).room('room1'));
    await tab.page.keyboard.press('Control+k');
    await tab.page.keyboard.type('xyz');
    await expect(tab.switcher.getByText('No room has this name.')).toBeVisible();
    return tab;
  },

  async keys({ startServer, newcomer }: Parts): Promise<Tab> {
    const tab = await newcomer((await startServer()).room('room1'));
    await tab.log.focus();
    await tab.page.keyboard.press('?');
    await expect(tab.keys).toBeVisible();
    return tab;
  },

  /** Something new in the room that is entered, in one that is muted, and in one that was never seen. */
  async unread({ startServer, newcomer }: Parts): Promise<Tab> {
    const server = await startServer();
    const [general, random, help] = ['room1', 'room2', 'room3'].map((name) => server.room(name)) as [Room, Room, Room];
    await write(general, 'Lin', 'Read already.');
    const tab = await newcomer(general);
    await tab.enter(random);
    await tab.page.getByRole('button', { name: `Mute ${random.title}` }).click();
    await tab.enter(help);
    await write(random, 'Grace', 'One', 'Two');
    await write(server.room('room4'), 'Grace', 'Hello?');
    await write(general, 'Grace', 'This is new.', 'And this.');
    await expect(tab.badge(general)).toBeVisible();
    await expect(tab.badge(random)).toBeVisible();
    await expect(tab.badge(server.room('room4'))).toBeVisible();
    await tab.enter(general);
    await expect(tab.divider).toHaveCount(1);
    return tab;
  },

  async hole({ startServer, newcomer }: Parts): Promise<Tab> {
    const room = (await startServer()).room('room1');
    const tab = await newcomer(room);
    await missLines(tab, room, 1_010);
    await expect(tab.log.locator('.hole')).toHaveCount(1);
    return tab;
  },

  /** Far from the end, at a message that a link leads to, with its tools. */
  async target({ startServer, unopened }: Parts): Promise<Tab> {
    const room = (await startServer()).room('room1');
    const places = await write(room, 'Lin', ...lines(200));
    const tab = await unopened(room);
    await tab.open(places[60]?.id ?? '');
    await expect(tab.row('Line 60')).toBeInViewport();
    await tab.row('Line 60').focus();
    await expect(tab.tools).toBeVisible();
    await tab.tools.getByRole('button', { name: 'Copy text' }).click();
    await expect(tab.tools.getByRole('status')).toHaveText('Text copied');
    await write(room, 'Lin', 'New');
    await expect(tab.pill).toHaveText('1 new message');
    return tab;
  },

  async absent({ startServer, unopened }: Parts): Promise<Tab> {
    const room = (await startServer()).room('room1');
    await write(room, 'Lin', ...lines(60));
    const tab = await unopened(room);
    await tab.open('61068ac8-be10-8324-8206-116820cf4008');
    await expect(tab.page.getByText('The message of this link is not in this room.')).toBeVisible();
    return tab;
  },

  async full({ startServer, newcomer }: Parts): Promise<Tab> {
    const tab = await newcomer((await startServer()).room('room1'));
    await tab.composer.fill('word '.repeat(1_001));
    await expect(tab.page.getByRole('form', { name: 'New message' })).toContainText('5 too many');
    return tab;
  },

  async lost({ startServer, unopened, calm }: Parts): Promise<Tab> {
    calm.expect(/^Failed to load resource: the server responded with a status of 404 \(Not Found\)$/);
    const room = (await startServer()).room('room1');
    const tab = await unopened(room);
    await tab.page.goto(`${room.origin}/rooms/nowhere`);
    await tab.hydrated();
    return tab;
  },
};

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

export const VIEWS = [
  { name: 'desktop-light', viewport: DESKTOP, colorScheme: 'light' },
  { name: 'desktop-dark', viewport: DESKTOP, colorScheme: 'dark' },
  { name: 'phone-light', viewport: PHONE, colorScheme: 'light' },
  { name: 'phone-dark', viewport: PHONE, colorScheme: 'dark' },
] as const;

/** Shows the page as this reader has it. */
export async function view(tab: Tab, { viewport, colorScheme }: (typeof VIEWS)[number]): Promise<void> {
  await tab.page.setViewportSize(viewport);
  await tab.page.emulateMedia({ colorScheme });
}
