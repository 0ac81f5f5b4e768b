// Answers of the server that are hard to get from a real one.

import type { Page } from '@playwright/test';

interface Frame {
  event: string;
  data: { cid?: string };
}

/** The next messages of this page do not reach the server: it seems to refuse them. Call it before the page is loaded. */
export async function refuse(page: Page, times: number, code: string): Promise<void> {
  let left = times;
  await page.routeWebSocket('**/ws', (browser) => {
    const server = browser.connectToServer();
    browser.onMessage((text) => {
      const { event, data } = JSON.parse(String(text)) as Frame;
      if (event !== 'event:message' || left === 0) return server.send(text);
      left -= 1;
      const nack = { cid: data.cid, code, message: 'You may not write here.', retry: false };
      browser.send(JSON.stringify({ event: 'message:nack', data: nack }));
    });
  });
}
