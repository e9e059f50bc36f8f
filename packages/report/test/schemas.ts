/** The schemas that the reports are held to. They are not part of the project; where they are absent, tests say so. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { memoryPages, validateXML } from 'xmllint-wasm';

const folder = new URL('../../../../shared/data/schemas/', import.meta.url);
const files = { jenkins: 'jenkins-junit-10.xsd', strict: 'windyroad-JUnit.xsd' } as const;

export type DialectName = keyof typeof files;

export const hasSchemas: boolean = Object.values(files).every((file) => existsSync(new URL(file, folder)));

if (!hasSchemas) {
  console.warn(
    `No schemas in ${fileURLToPath(folder)}: reports are checked by the structure rules of the tests only.`,
  );
}

/** What libxml2 has to say against these documents: nothing, if all is well. */
export async function schemaErrors(documents: readonly string[], dialect: DialectName): Promise<string[]> {
  const schema = readFileSync(new URL(files[dialect], folder), 'utf8');
  const { valid, errors, rawOutput } = await validateXML({
    xml: documents.map((contents, index) => ({ fileName: `report-${index}.xml`, contents })),
    schema: [{ fileName: files[dialect], contents: schema }],
    maxMemoryPages: memoryPages.GiB,
  });
  if (valid) return [];
  return errors.length > 0 ? errors.map(({ rawMessage }) => rawMessage) : [rawOutput];
}
