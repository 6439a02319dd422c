/** Bytes to DNS records and back. Pure; never throws on what the network sent. */

import { type Answer, decode, type Question } from 'dns-packet';
import { fitsInLabel, fitsInLabels } from './names.ts';

/** RFC 6762, section 17: no Multicast DNS packet is larger. */
const largestPacketBytes = 9000;
const headerBytes = 12;
const smallestRecordBytes = 11;

/** What looking at it will cost. */
export function recordsPromised(bytes: Uint8Array): number {
  if (bytes.length < headerBytes) return 0;
  const header = new DataView(bytes.buffer, bytes.byteOffset, headerBytes);
  return [6, 8, 10].reduce((sum, offset) => sum + header.getUint16(offset), 0);
}

/** The records of a response; undefined for a question, for garbage, and for what is too large to be true. */
export function parseResponse(bytes: Uint8Array): Answer[] | undefined {
  if (bytes.length < headerBytes || bytes.length > largestPacketBytes) return undefined;
  const packet = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if ((packet[2] ?? 0) < 0x80) return undefined;
  // The decoder makes room for as many records as the header promises, up to four times 65,535.
  const promisedRecords = recordsPromised(packet);
  const promisedQuestions = packet.readUInt16BE(4);
  if (headerBytes + promisedRecords * smallestRecordBytes + promisedQuestions * 5 > packet.length) {
    return undefined;
  }
  try {
    const { answers = [], additionals = [] } = decode(packet);
    // The decoder does not mind when the last record ends after the packet; its count is then too large, or not a number.
    return decode.bytes <= packet.length ? [...answers, ...additionals] : undefined;
  } catch {
    return undefined;
  }
}

export const arduinoService = '_arduino._tcp.local';

export const questionForAll: Question = { type: 'PTR', name: arduinoService };

/**
 * Where a device of the RP2040 core says what it runs: that core lets a sketch add nothing to the TXT record of the Arduino
 * service (protocol.md), so `otarc.h` has a service of its own, of the same instance name.
 */
export const otarcService = '_otarc._tcp.local';

/** One packet: who is there, and what those run that say it in a service of its own. */
export const questionsForAll: readonly Question[] = [questionForAll, { type: 'PTR', name: otarcService }];

export const otarcTextQuestion = (instance: string): Question => ({
  type: 'TXT',
  name: `${instance}.${otarcService}`,
});

/** All that is asked about a device of this name, in one packet: its host's addresses, its service, what it says of itself. */
export function questionsAbout(mdnsName: string): Question[] {
  const name = mdnsName.normalize('NFC');
  const instance = `${name}.${arduinoService}`;
  return [
    ...questionsAboutHosts([`${name}.local`]),
    ...(fitsInLabel(name)
      ? [
          { type: 'SRV' as const, name: instance },
          { type: 'TXT' as const, name: instance },
          otarcTextQuestion(name),
        ]
      : []),
  ];
}

/** A host called `v1.2.local` may have two labels or three, which a name that was read does not tell: both are asked. */
export function questionsAboutHosts(hosts: readonly string[]): Question[] {
  const names = hosts.flatMap((host) => {
    const label = host.replace(/\.local$/i, '');
    const isOneLabel = !label.includes('.') || !fitsInLabel(label);
    return [...(fitsInLabels(host) ? [host] : []), ...(isOneLabel ? [] : [`${escaped(label)}.local`])];
  });
  return names.flatMap((name) => [
    { type: 'A' as const, name },
    { type: 'AAAA' as const, name },
  ]);
}

const escaped = (label: string): string => label.replaceAll('.', '\\.');
