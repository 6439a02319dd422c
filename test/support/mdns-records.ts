/** Short words for the records of devices, for tests that feed them in. */

import type { Answer } from 'dns-packet';

const service = '_arduino._tcp.local';

export const ptr = (name: string, ttl = 4500): Answer => ({
  type: 'PTR',
  name: service,
  ttl,
  data: `${name}.${service}`,
});

export const srv = (name: string, target: string, { port = 8266, ttl = 120, flush = true } = {}): Answer => ({
  type: 'SRV',
  name: `${name}.${service}`,
  ttl,
  flush,
  data: { target, port },
});

export const txt = (name: string, data: readonly string[], ttl = 4500): Answer => ({
  type: 'TXT',
  name: `${name}.${service}`,
  ttl,
  flush: true,
  data: [...data],
});

export const address = (name: string, data: string, { ttl = 120, flush = true } = {}): Answer => ({
  type: data.includes(':') ? 'AAAA' : 'A',
  name,
  ttl,
  flush,
  data,
});

/** All that an ESP says of itself. */
export function device(name: string, at: string, { port = 8266, ttl = 120, flush = true } = {}): Answer[] {
  const longTtl = ttl === 0 ? 0 : 4500;
  return [
    ptr(name, longTtl),
    srv(name, `${name}.local`, { port, ttl, flush }),
    txt(name, ['board=ESP8266_NODEMCU', 'auth_upload=no'], longTtl),
    address(`${name}.local`, at, { ttl, flush }),
  ];
}
