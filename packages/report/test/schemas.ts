/** The schemas of the reports: `schemas/`, one file for each dialect. */
import { readFileSync } from 'node:fs';
import { memoryPages, validateXML } from 'xmllint-wasm';

const files = { jenkins: 'junit-jenkins.xsd', strict: 'junit-strict.xsd' } as const;

export type DialectName = keyof typeof files;

/** The errors of libxml2 for these documents. */
export async function schemaErrors(documents: readonly string[], dialect: DialectName): Promise<string[]> {
  const { valid, errors, rawOutput } = await validate(documents, schemaOf(dialect));
  if (valid) return [];
  return errors.length > 0 ? errors.map(({ rawMessage }) => rawMessage) : [rawOutput];
}

/** The validator takes at most this many files at once. */
const most = 200;

/** For each document, whether the schema accepts it. */
export async function accepted(documents: readonly string[], schema: string): Promise<boolean[]> {
  const answers: boolean[] = [];
  for (let at = 0; at < documents.length; at += most) {
    const batch = documents.slice(at, at + most);
    const { errors } = await validate(batch, schema);
    const refused = new Set(errors.map(({ loc }) => loc?.fileName));
    answers.push(...batch.map((_, index) => !refused.has(nameOf(index))));
  }
  return answers;
}

/** The text of a dialect's schema. */
export function schemaOf(dialect: DialectName): string {
  return readFileSync(new URL(`schemas/${files[dialect]}`, import.meta.url), 'utf8');
}

function validate(documents: readonly string[], schema: string): ReturnType<typeof validateXML> {
  return validateXML({
    xml: documents.map((contents, index) => ({ fileName: nameOf(index), contents })),
    schema: [{ fileName: 'schema.xsd', contents: schema }],
    maxMemoryPages: memoryPages.GiB,
  });
}

function nameOf(index: number): string {
  return `report-${index}.xml`;
}
