import * as z from 'zod';
import { notYet, type NotYet } from './not-yet.ts';
import { configFileSchema } from './schema.ts';
import { withoutUndefined } from '../model/without-undefined.ts';

/** The part of a JSON schema that is changed here. */
interface Node {
  description?: string;
  enum?: readonly unknown[];
  properties?: Record<string, Node>;
  additionalProperties?: Node;
  anyOf?: readonly Node[];
}

/**
 * The JSON schema of a configuration file, for editors: it proposes what this version does, nothing that it refuses.
 * Draft 7 is what most of them know.
 */
export function jsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(configFileSchema, { io: 'input', target: 'draft-7' });
  for (const row of notYet) keepAsIs(schema as Node, row);
  return {
    $schema,
    title: 'otarc configuration',
    description:
      'How `otarc` builds an image and pushes it to devices: .otarc, otarc.config.*, "otarc" in package.json.',
    ...schema,
  };
}

/** Leaves of a key that is not done yet only the values that ask for what happens anyway; without any, no key. */
function keepAsIs(node: Node, row: NotYet): void {
  const { path, asIs } = row;
  const [key = '', ...rest] = path;
  for (const branch of node.anyOf ?? []) keepAsIs(branch, row);
  const { properties = {}, additionalProperties } = node;
  const below = key === '*' ? additionalProperties : properties[key];
  if (below === undefined) return;
  if (rest.length > 0) keepAsIs(below, { path: rest, asIs });
  else if (asIs.length === 0) delete properties[key];
  else properties[key] = withoutUndefined({ description: below.description, enum: asIs });
}
