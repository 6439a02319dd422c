/** What a virtual device announces on loopback, as a plain listener hears it. */

import type { Answer } from 'dns-packet';
import multicastDns from 'multicast-dns';

export interface HeardTxt {
  readonly items: Readonly<Record<string, string>>;
  readonly ttl: number;
  /** Of the address record that came with it. */
  readonly address: string | undefined;
  readonly port: number | undefined;
}

export interface TxtListener {
  /** Every TXT record of the instance, the oldest first. */
  readonly heard: readonly HeardTxt[];
  /** The next one that fits, heard already or not. */
  until(fits: (txt: HeardTxt) => boolean): Promise<HeardTxt>;
  ask(): void;
  close(): void;
}

/** `instance`: `livingroom._arduino._tcp.local`. */
export async function listenForTxt(instance: string): Promise<TxtListener> {
  const mdns = multicastDns({ interface: '127.0.0.1', bind: '0.0.0.0' });
  const heard: HeardTxt[] = [];
  const waiting = new Set<() => void>();
  mdns.on('response', ({ answers = [], additionals = [] }) => {
    const records = [...answers, ...additionals];
    const txt = txtOf(records, instance);
    if (txt) heard.push(txt);
    for (const look of waiting) look();
  });
  await new Promise<void>((resolve) => mdns.once('ready', resolve));
  return {
    heard,
    until: (fits) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = heard.find(fits);
          if (found === undefined) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(found);
        };
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`Heard only ${JSON.stringify(heard)}.`));
        }, 20_000);
        waiting.add(look);
        look();
      }),
    ask: () => mdns.query([{ name: instance.replace(/^[^.]*\./, ''), type: 'PTR' }]),
    close: () => mdns.destroy(),
  };
}

/** The TXT record of the instance among `records`, with what stands beside it. */
export function txtOf(records: readonly Answer[], instance: string): HeardTxt | undefined {
  const txt = records.find((record) => record.type === 'TXT' && record.name === instance);
  if (txt?.type !== 'TXT') return undefined;
  const texts = [txt.data].flat().map(String);
  const items = Object.fromEntries(
    texts.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
  );
  const a = records.find((record) => record.type === 'A');
  const srv = records.find((record) => record.type === 'SRV' && record.name === instance);
  return {
    items,
    ttl: txt.ttl ?? 0,
    address: a?.type === 'A' ? a.data : undefined,
    port: srv?.type === 'SRV' ? srv.data.port : undefined,
  };
}
