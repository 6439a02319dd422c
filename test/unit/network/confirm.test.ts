import { describe, expect, it } from 'vitest';
import { announcersAt, confirmable } from '../../../src/network/confirm.ts';
import type { FoundDevice } from '../../../src/model/announcement.ts';

const device = (name: string, address: string, more: Partial<FoundDevice> = {}): FoundDevice => ({
  name,
  host: `${name}.local`,
  addresses: [address],
  port: 8266,
  ...more,
});
const hall = device('hall', '192.0.2.7');
const kitchen = device('kitchen', '192.0.2.7');

const asked = (request: { name?: string; host: string; port?: number }, found: readonly FoundDevice[]) => {
  const { named, others } = announcersAt(found, {
    addresses: ['192.0.2.7', '127.0.0.1'],
    request: { name: request.host, interfaces: [], ...request },
  });
  return { named: named.map(({ name }) => name), others: others.map(({ name }) => name) };
};

describe('who announces itself at an address of the system', () => {
  it.each([
    ['by the name itself', { host: 'hall.local' }],
    ['by the first part of a name of the DNS', { host: 'HALL.example.com' }],
    ['by what the user calls it', { name: 'hall', host: 'esp-abc123.example.com' }],
  ])('confirms it %s', (_, request) => {
    expect(asked(request, [hall, kitchen])).toEqual({ named: ['hall'], others: ['kitchen'] });
  });

  it('confirms it by the host, whatever its service is called', () => {
    expect(asked({ host: 'hall' }, [device('A lamp', '192.0.2.7', { host: 'hall.local' })]).named).toEqual([
      'A lamp',
    ]);
  });

  it('says nothing of other addresses, and nothing of this very host', () => {
    const others = [device('attic', '192.0.2.8'), device('virtual', '127.0.0.1')];
    expect(asked({ host: 'hall' }, others)).toEqual({ named: [], others: [] });
  });

  it('says nothing of another port, where one is configured: it may be forwarded', () => {
    expect(asked({ host: 'hall', port: 8267 }, [kitchen]).others).toEqual([]);
    expect(asked({ host: 'hall', port: 8266 }, [kitchen]).others).toEqual(['kitchen']);
  });
});

it('can be asked on a link of this host alone', () => {
  const own = { name: 'eth0', family: 'IPv4', prefixBits: 24, loopback: false, zone: 'eth0' } as const;
  const lo = { ...own, name: 'lo', address: '127.0.0.1', prefixBits: 8, loopback: true };
  const addresses = ['192.0.2.7', '198.51.100.7', '127.0.0.1'];
  expect(confirmable(addresses, [{ ...own, address: '192.0.2.2' }, lo])).toEqual(['192.0.2.7']);
});
