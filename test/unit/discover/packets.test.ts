import { encode, type Packet } from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { learn, nothingKnown, sightingOf } from '../../../src/discover/answers.ts';
import { formatQuery, parseResponse, questionsAbout } from '../../../src/discover/packets.ts';

const response: Packet = {
  type: 'response',
  answers: [
    { type: 'A', name: 'livingroom.local', ttl: 120, data: '192.0.2.7' },
    { type: 'AAAA', name: 'livingroom.local', ttl: 120, data: 'fe80::7' },
    {
      type: 'SRV',
      name: 'livingroom._arduino._tcp.local',
      ttl: 120,
      data: { port: 8266, target: 'livingroom.local' },
    },
  ],
  additionals: [
    {
      type: 'TXT',
      name: 'livingroom._arduino._tcp.local',
      ttl: 120,
      data: ['board=esp32', 'auth_upload=yes'],
    },
    {
      type: 'NSEC',
      name: 'livingroom.local',
      ttl: 120,
      data: { nextDomain: 'livingroom.local', rrtypes: ['A', 'AAAA'] },
    },
  ],
};

const takeIn = (bytes: Uint8Array) => {
  const records = parseResponse(bytes);
  if (records === undefined) return undefined;
  const knowledge = learn(nothingKnown('livingroom'), records, { address: '192.0.2.7', zone: 'eth0' });
  return sightingOf(knowledge, new Set());
};

describe('parseResponse', () => {
  it('reads answers and additionals', () => {
    expect(parseResponse(encode(response))?.map(({ type }) => type)).toEqual([
      'A',
      'AAAA',
      'SRV',
      'TXT',
      'NSEC',
    ]);
  });

  it('ignores questions', () => {
    expect(parseResponse(formatQuery(questionsAbout('livingroom')))).toBeUndefined();
  });

  it('ignores a header that promises more than the packet holds', () => {
    expect(parseResponse(Buffer.from('000084000000ffffffffffff', 'hex'))).toBeUndefined();
  });

  it('takes no truncated packet for a whole one, and throws on none', () => {
    const whole = encode(response);
    for (let end = 0; end < whole.length; end += 1) {
      expect(takeIn(whole.subarray(0, end))).toBeUndefined();
    }
    expect(takeIn(whole)).toMatchObject({ type: 'host' });
  });

  it('survives any bytes', () => {
    const header = fc.constantFrom(Buffer.from('000084000000000100000000', 'hex'), Buffer.alloc(0));
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 600 }), (start, rest) => {
        const sighting = takeIn(Buffer.concat([start, rest]));
        expect(sighting === undefined || sighting.type === 'nothing').toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('survives a valid packet with any bytes changed', () => {
    const change = fc.tuple(fc.nat({ max: encode(response).length - 1 }), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const bytes = Buffer.from(encode(response));
        for (const [at, value] of changes) bytes[at] = value;
        expect(['nothing', 'host', undefined]).toContain(takeIn(bytes)?.type);
      }),
      { numRuns: 2000 },
    );
  });
});
