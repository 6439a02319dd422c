import { decode, encode, type Packet } from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseResponse,
  questionForAll,
  questionsAbout,
  questionsAboutHosts,
} from '../../../src/network/packets.ts';
import { formatQuery, formatQuestionForAll } from '../../../src/network/queries.ts';
import { sightingOf } from '../../../src/network/sighting.ts';
import { learn, nothingSeen } from '../../../src/network/sightings.ts';

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
  const [mdnsName, own] = ['livingroom', new Set<string>()];
  const source = { address: '192.0.2.7', zone: 'eth0', way: 'shared' as const };
  const wanted = new Set([mdnsName]);
  const sightings = learn(nothingSeen, { records, source, nowMs: 0, own, wanted });
  return sightingOf(sightings, { mdnsName, sinceMs: 0, own });
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

describe('formatQuery', () => {
  it('writes what another decoder reads', () => {
    const { questions } = decode(formatQuery([...questionsAbout('küche'), questionForAll]));
    expect(questions?.map(({ type, name }) => `${type} ${name}`)).toEqual([
      'A küche.local',
      'AAAA küche.local',
      'SRV küche._arduino._tcp.local',
      'TXT küche._arduino._tcp.local',
      'TXT küche._otarc._tcp.local',
      'PTR _arduino._tcp.local',
    ]);
    const [query = Buffer.alloc(0)] = formatQuestionForAll([{ instance: 'x', ttlSeconds: 77_777 }]);
    expect(decode(query)).toMatchObject({
      questions: [questionForAll, { type: 'PTR', name: '_otarc._tcp.local' }],
      answers: [{ type: 'PTR', name: '_arduino._tcp.local', ttl: 77_777, data: 'x._arduino._tcp.local' }],
    });
  });

  it('leaves the dots of an instance in its one label, and asks for a host with and without them', () => {
    const bytes = formatQuery(questionsAbout('Lamp 1.2')).toString('latin1');
    expect(bytes.split('\x08Lamp 1.2\x08_arduino\x04_tcp\x05local\0')).toHaveLength(3);
    expect(bytes.split('\x08Lamp 1.2\x05local\0')).toHaveLength(3);
    expect(bytes.split('\x06Lamp 1\x012\x05local\0')).toHaveLength(3);
  });

  it('asks for no host whose name was no UTF-8', () => {
    expect(questionsAboutHosts(['h\uFFFDll.local', 'hall.local'])).toEqual([
      { type: 'A', name: 'hall.local' },
      { type: 'AAAA', name: 'hall.local' },
    ]);
  });

  it('asks for no instance that is too long for a label', () => {
    const name = `${'x'.repeat(40)}.${'y'.repeat(40)}`;
    expect(questionsAbout(name).map(({ type }) => type)).toEqual(['A', 'AAAA']);
  });

  it('can always be decoded, whatever a device calls itself', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 63 }), (label) => {
        const questions = questionsAbout(Buffer.from(label).toString());
        expect(decode(formatQuery(questions)).questions).toHaveLength(questions.length);
      }),
    );
  });
});
