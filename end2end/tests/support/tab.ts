// A browser tab that shows Sphere, in the words of somebody who uses it.

import { expect, type Locator, type Page, type WebSocket } from '@playwright/test';

import type { Room } from './server.ts';

export interface Frame {
  way: 'sent' | 'received';
  event: string;
  data: Record<string, unknown>;
}

/** A socket that the page opened, with what went over it. */
export interface Socket {
  socket: WebSocket;
  frames: Frame[];
}

/** How far a message has come. */
export type State = 'sending' | 'stored' | 'refused';

export class Tab {
  readonly sockets: Socket[] = [];
  readonly requests: string[] = [];

  constructor(
    readonly page: Page,
    public room: Room,
  ) {
    page.on('websocket', (socket) => {
      const frames: Frame[] = [];
      this.sockets.push({ socket, frames });
      socket.on('framesent', ({ payload }) => frames.push(read('sent', payload)));
      socket.on('framereceived', ({ payload }) => frames.push(read('received', payload)));
    });
    page.on('request', (request) => this.requests.push(request.url()));
  }

  /** Loads the room's page and waits until it can do everything. */
  async load(): Promise<this> {
    await this.page.goto(`${this.room.origin}/rooms/${this.room.name}`);
    return this.alive();
  }

  async reload(): Promise<this> {
    await this.page.reload();
    return this.alive();
  }

  /** Waits until the client runs and is connected. */
  async alive(): Promise<this> {
    await this.hydrated();
    await this.connected();
    return this;
  }

  async hydrated(): Promise<void> {
    await expect(this.page.locator('html')).toHaveAttribute('data-hydrated', 'true');
  }

  /** On a phone the words are in the drawer, so they need not be seen. */
  async connected(timeout?: number): Promise<void> {
    const you = this.page.getByRole('region', { name: 'You', exact: true, includeHidden: true });
    await expect(you).toContainText('Connected', { timeout });
  }

  /** Another tab of the same person. */
  async another(room: Room = this.room): Promise<Tab> {
    return new Tab(await this.page.context().newPage(), room).load();
  }

  /** Goes to another room by its link. */
  async enter(room: Room): Promise<void> {
    await this.link(room).click();
    this.room = room;
    await expect(this.heading).toHaveText(room.title);
  }

  get rooms(): Locator {
    return this.page.getByRole('navigation', { name: 'Rooms' });
  }

  link(room: Room): Locator {
    return this.rooms.getByRole('link', { name: new RegExp(`^${room.title}\\b`) });
  }

  get heading(): Locator {
    return this.page.getByRole('main').getByRole('heading', { level: 1 });
  }

  get log(): Locator {
    return this.page.getByRole('log', { name: `Messages in ${this.room.title}`, exact: true });
  }

  get rows(): Locator {
    return this.log.getByRole('article');
  }

  get bubbles(): Locator {
    return this.rows.locator('.bubble');
  }

  /** The row with exactly this text. */
  row(text: string): Locator {
    const exact = new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
    return this.rows.filter({ has: this.page.locator('.bubble', { hasText: exact }) });
  }

  get composer(): Locator {
    return this.page.getByRole('textbox', { name: `Message ${this.room.title}`, exact: true });
  }

  get sendButton(): Locator {
    return this.page.getByRole('button', { name: 'Send', exact: true });
  }

  get banner(): Locator {
    return this.page.locator('.banner');
  }

  get you(): Locator {
    return this.page.getByRole('region', { name: 'You', exact: true });
  }

  get settings(): Locator {
    return this.page.getByRole('dialog', { name: 'Settings', exact: true });
  }

  get switcher(): Locator {
    return this.page.getByRole('dialog', { name: 'Jump to a room' });
  }

  get keys(): Locator {
    return this.page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  }

  /** The line above what is new. */
  get divider(): Locator {
    return this.log.getByRole('separator', { name: 'New messages' });
  }

  /** The way to the end. */
  get pill(): Locator {
    return this.page.getByRole('button', { name: /^(Latest messages|\d+ new messages?)$/ });
  }

  /** The tools of the message that is pointed at. */
  get tools(): Locator {
    return this.log.getByRole('toolbar', { name: 'This message' });
  }

  /** What a room's link says about what is new there. */
  badge(room: Room): Locator {
    return this.link(room).locator('.badge');
  }

  /** Types into the field and presses Enter. */
  async say(...texts: string[]): Promise<void> {
    for (const text of texts) {
      await this.composer.fill(text);
      await this.composer.press('Enter');
    }
  }

  async sees(text: string, state: State = 'stored'): Promise<void> {
    await expect(this.row(text)).toHaveAttribute('data-state', state);
  }

  /** The room shows exactly these texts, from the oldest to the newest. */
  async seesAll(texts: string[], state?: State): Promise<void> {
    await expect.poll(() => this.texts()).toEqual(texts);
    if (state !== undefined) await expect(this.log.locator(`article[data-state="${state}"]`)).toHaveCount(texts.length);
  }

  async texts(): Promise<string[]> {
    return this.bubbles.evaluateAll((bubbles) => bubbles.map((bubble) => bubble.textContent ?? ''));
  }

  async openSettings(): Promise<Locator> {
    await this.you.getByRole('button', { name: 'Your settings' }).click();
    await expect(this.settings).toBeVisible();
    return this.settings.getByRole('textbox', { name: 'Display name' });
  }

  async rename(name: string): Promise<void> {
    const field = await this.openSettings();
    await field.fill(name);
    await this.settings.getByRole('button', { name: 'Save' }).click();
    await expect(this.settings.getByText('Saved.', { exact: true })).toBeVisible();
    await this.closeSettings();
    await expect(this.you).toContainText(name);
  }

  async closeSettings(): Promise<void> {
    await this.settings.getByRole('button', { name: 'Close' }).click();
    await expect(this.settings).toBeHidden();
  }

  /** Goes to a message by its link. */
  async open(id: string): Promise<void> {
    await this.page.goto(`${this.room.origin}/rooms/${this.room.name}?m=${id}`);
    await this.alive();
  }

  /**
   * Another window comes to the front, or this one again. Playwright lets every page believe that somebody types into it, so
   * what a browser would say is said here.
   */
  async watch(watched: boolean): Promise<void> {
    await this.page.evaluate((watched) => {
      Object.defineProperty(document, 'hasFocus', { configurable: true, value: () => watched });
      window.dispatchEvent(new Event(watched ? 'focus' : 'blur'));
    }, watched);
  }

  /** Frames of all sockets so far. */
  frames(way: Frame['way'], event?: string): Frame[] {
    const frames = this.sockets.flatMap((socket) => socket.frames);
    return frames.filter((frame) => frame.way === way && (event === undefined || frame.event === event));
  }

  async stored(key: string): Promise<string | null> {
    return this.page.evaluate((key) => localStorage.getItem(key), key);
  }
}

function read(way: Frame['way'], payload: string | Buffer): Frame {
  return { way, ...(JSON.parse(String(payload)) as Omit<Frame, 'way'>) };
}
