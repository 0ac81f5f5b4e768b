// Nothing may go wrong unseen: whatever a browser complains about fails the test that caused it.

import { type BrowserContext, expect } from '@playwright/test';

/** Chromium's own lines about a WebSocket that could not be opened. No page can suppress them. */
const failed = (why: string) => new RegExp(`^WebSocket connection to 'ws://(127\\.0\\.0\\.1|lan\\.test):\\d+/ws' failed: ${why}$`);
export const CONNECTION_REFUSED = failed('Error in connection establishment: net::ERR_CONNECTION_REFUSED');
export const CONNECTION_CLOSED = failed('Connection closed before receiving a handshake response');
export const NO_NETWORK = failed('Error in connection establishment: net::ERR_INTERNET_DISCONNECTED');

export class Calm {
  readonly #hosts = new Set<string>();
  readonly #expected: RegExp[] = [];
  readonly #complaints: string[] = [];

  /** From now on, this line is no complaint. Only for what the test itself causes. */
  expect(...lines: RegExp[]): void {
    this.#expected.push(...lines);
  }

  /** Requests may go there. */
  allow(origin: string): void {
    this.#hosts.add(new URL(origin).host);
  }

  async watch(context: BrowserContext): Promise<void> {
    context.on('console', (line) => {
      if (line.type() === 'warning' || line.type() === 'error') this.#complain(line.text());
    });
    context.on('weberror', (error) => this.#complain(`uncaught: ${error.error().stack ?? error.error().message}`));
    context.on('dialog', (dialog) => {
      this.#complain(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    context.on('request', (request) => this.#visit(request.url()));
    context.on('page', (page) => page.on('websocket', (socket) => this.#visit(socket.url())));
    await context.exposeBinding('reportViolation', (_, violation: string) => this.#complain(`CSP: ${violation}`));
    await context.addInitScript(() => {
      const { reportViolation } = window as unknown as { reportViolation: (violation: string) => void };
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile, lineNumber }) => {
        reportViolation(`${violatedDirective} ${blockedURI} at ${sourceFile}:${lineNumber}`);
      });
    });
  }

  #visit(url: string): void {
    const { protocol, host } = new URL(url);
    if (['http:', 'https:', 'ws:', 'wss:'].includes(protocol) && !this.#hosts.has(host)) this.#complain(`request to ${url}`);
  }

  #complain(line: string): void {
    if (!this.#expected.some((expected) => expected.test(line))) this.#complaints.push(line);
  }

  check(): void {
    expect(this.#complaints, 'what browsers complained about').toEqual([]);
  }
}
