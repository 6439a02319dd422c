import { describe, expect, it } from 'vitest';
import { matchesOf } from '../../../src/network/pair.ts';
import type { FoundDevice } from '../../../src/network/types.ts';

const device = (name: string, address: string, port = 8266): FoundDevice => ({
  name,
  host: `${name}.local`,
  addresses: [address],
  port,
});
const ports = (found: readonly FoundDevice[], host: string, port?: number) =>
  matchesOf(found, { host, port }).map((each) => `${each.addresses[0]}:${each.port}`);

describe('which of them is meant', () => {
  const two = [device('hall', '192.0.2.7'), device('hall', '192.0.2.7', 3232)];

  it('the one at the configured port, of several services of one name on one host', () => {
    expect(ports(two, 'hall', 3232)).toEqual(['192.0.2.7:3232']);
    expect(ports(two, 'hall')).toEqual(['192.0.2.7:8266', '192.0.2.7:3232']);
  });

  it('all of the name where none is at that port: the configuration goes before the announcement', () => {
    expect(ports([device('hall', '192.0.2.7')], 'hall', 9999)).toEqual(['192.0.2.7:8266']);
  });

  it('two devices of one name, whatever their ports', () => {
    expect(ports([...two, device('hall', '192.0.2.8', 2040)], 'hall', 3232)).toEqual([
      '192.0.2.7:3232',
      '192.0.2.8:2040',
    ]);
  });

  it('the one of that name, however its letters are written', () => {
    expect(ports([device('Äpfel', '192.0.2.7')], 'ÄPFEL.local')).toEqual(['192.0.2.7:8266']);
  });
});
