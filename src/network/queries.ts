/**
 * Questions to bytes. Pure. Not by `dns-packet`, which would cut the name of an instance at its dots, and shortens no name.
 */

import type { Question } from 'dns-packet';
import { arduinoService, otarcService, questionsForAll } from './packets.ts';

/** A device that need not answer the question for all. */
export interface KnownAnswer {
  /** Its name, without the service's. */
  readonly instance: string;
  readonly ttlSeconds: number;
}

export function formatQuery(questions: readonly Question[]): Buffer {
  return packet({ questions: questions.map(questionBytes) });
}

/**
 * The question for all devices but those that are known (RFC 6762, section 7.1), in as many packets as that takes: more is
 * to come where a packet is marked as truncated (section 7.2).
 */
export function formatQuestionForAll(known: readonly KnownAnswer[]): Buffer[] {
  const parts = inPackets(known.map(restOfAnswer));
  return parts.map((answers, index) =>
    packet({
      questions: index === 0 ? questionsForAll.map(questionBytes) : [],
      // The name of the service stands where the first name of a packet does, and later ones point there.
      answers: answers.map((rest, at) =>
        Buffer.concat([index > 0 && at === 0 ? nameBytes(arduinoService) : pointerToFirstName, rest]),
      ),
      isTruncated: index < parts.length - 1,
    }),
  );
}

const headerBytes = 12;
/** What an Ethernet frame holds, less the headers of IPv6 and UDP, and the questions. */
const mostAnswerBytes = 1500 - 48 - headerBytes - 52;
const truncated = 0x0200;
const typeNumbers: Readonly<Record<string, number>> = { A: 1, PTR: 12, TXT: 16, AAAA: 28, SRV: 33 };
const classInternet = 1;
const pointerToFirstName = shorts(0xc000 + headerBytes);

function packet({
  questions,
  answers = [],
  isTruncated = false,
}: {
  readonly questions: readonly Buffer[];
  readonly answers?: readonly Buffer[];
  readonly isTruncated?: boolean;
}): Buffer {
  const header = shorts(0, isTruncated ? truncated : 0, questions.length, answers.length, 0, 0);
  return Buffer.concat([header, ...questions, ...answers]);
}

/** At least one packet. */
function inPackets(answers: readonly Buffer[]): Buffer[][] {
  const parts: Buffer[][] = [[]];
  let bytes = 0;
  for (const answer of answers) {
    bytes += pointerToFirstName.length + answer.length;
    if (bytes > mostAnswerBytes) {
      parts.push([]);
      bytes = answer.length;
    }
    parts.at(-1)?.push(answer);
  }
  return parts;
}

function questionBytes({ type, name }: Question): Buffer {
  return Buffer.concat([nameBytes(name), shorts(typeNumbers[type] ?? 0, classInternet)]);
}

/** What follows the name of the service. */
function restOfAnswer({ instance, ttlSeconds }: KnownAnswer): Buffer {
  const target = Buffer.concat([labelBytes(instance), pointerToFirstName]);
  const seconds = [Math.floor(ttlSeconds / 2 ** 16), ttlSeconds % 2 ** 16];
  return Buffer.concat([shorts(typeNumbers['PTR'] ?? 0, classInternet, ...seconds, target.length), target]);
}

function nameBytes(name: string): Buffer {
  return Buffer.concat([...labelsOf(name).map(labelBytes), Buffer.of(0)]);
}

function labelBytes(label: string): Buffer {
  const bytes = Buffer.from(label);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

/** What stands before the service is one label, dots and all; `\.` is a dot within a label, as in a zone file. */
function labelsOf(name: string): string[] {
  for (const service of [arduinoService, otarcService]) {
    const ending = `.${service}`;
    if (name.toLowerCase().endsWith(ending)) return [name.slice(0, -ending.length), ...service.split('.')];
  }
  return name.split(/(?<!\\)\./).map((label) => label.replaceAll('\\.', '.'));
}

function shorts(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2);
  return bytes;
}
