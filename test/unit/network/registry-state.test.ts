import { describe, expect, it } from 'vitest';
import { askForAll, withListener, withName, withoutName } from '../../../src/network/agenda.ts';
import {
  nothingHeard,
  type RegistryPacket,
  type RegistryState,
  stepAfterHeardMs,
  stepOf,
  withAgenda,
  withHeard,
} from '../../../src/network/registry-state.ts';
import { device, ptr } from '../../support/mdns-records.ts';

const source = { address: '192.0.2.7', zone: 'eth0', way: 'shared' } as const;
const own = new Set(['192.0.2.2']);
const hall = device('hall', '192.0.2.7');

const listening: RegistryState = withAgenda(nothingHeard, withListener(nothingHeard.agenda, 0).agenda);
const searching: RegistryState = withAgenda(
  nothingHeard,
  withName(nothingHeard.agenda, { id: 1, name: 'Hall', nowMs: 0 }),
);

/** `ephemeral _arduino._tcp.local`, `others`. */
function textOf(packet: RegistryPacket): string {
  if (packet.type === 'others') return 'others';
  return `${packet.way} ${packet.questions.map(({ name }) => name).join(' ')}`;
}

describe('a step of the registry', () => {
  it('asks nothing, and never again, where nobody wants to know anything', () => {
    expect(stepOf(nothingHeard, 0)).toMatchObject({ packets: [], listens: false, nextAtMs: Infinity });
  });

  it('asks for all devices, and for the others a little later', () => {
    const first = stepOf(listening, 0);
    expect(first.packets.map(textOf)).toEqual(['ephemeral _arduino._tcp.local _otarc._tcp.local']);
    expect(first.listens).toBe(true);
    const second = stepOf(first.state, first.nextAtMs);
    expect(second.packets.map(textOf)).toEqual(['others']);
    expect(second.nextAtMs).toBeGreaterThan(first.nextAtMs);
  });

  it('does not ask what the step before has asked', () => {
    expect(stepOf(stepOf(listening, 0).state, 0).packets).toEqual([]);
  });

  it('asks for what is missing of a device by one way, and by both where somebody wants all', () => {
    const missing = { records: [ptr('hall')], source, nowMs: 0, own };
    const waysAt = (state: RegistryState): string[] =>
      stepOf(stepOf(withHeard(state, missing), 0).state, 50)
        .packets.filter((packet) => textOf(packet).includes('hall._arduino._tcp'))
        .map((packet) => (packet.type === 'questions' ? packet.way : packet.type));
    expect(waysAt(withAgenda(nothingHeard, askForAll(nothingHeard.agenda, 0)))).toEqual(['ephemeral']);
    expect(waysAt(listening)).toEqual(['ephemeral', 'shared']);
  });

  it('forgets what has expired', () => {
    const { state } = stepOf(withHeard(listening, { records: hall, source, nowMs: 0, own }), 0);
    expect([...state.sightings.keys()]).toEqual(['hall']);
    expect([...stepOf(state, 24 * 3_600_000).state.sightings.keys()]).toEqual([]);
  });
});

describe('the state of the registry', () => {
  it('is the same where nothing new was heard', () => {
    const foreign = { records: [], source, nowMs: 0, own };
    expect(withHeard(listening, foreign)).toBe(listening);
  });

  it('has the folded names of the agenda as long as they are looked for', () => {
    expect([...searching.wanted]).toEqual(['hall']);
    expect([...stepOf(searching, 0).state.wanted]).toEqual(['hall']);
    expect([...withAgenda(searching, withoutName(searching.agenda, 1)).wanted]).toEqual([]);
  });

  it('is looked at once after the first packet, and then after a rest', () => {
    const heard = withHeard(listening, { records: hall, source, nowMs: 0, own });
    expect(stepAfterHeardMs(heard)).toBe(-Infinity);
    expect(stepAfterHeardMs(stepOf(heard, 1000).state)).toBe(1005);
  });
});
