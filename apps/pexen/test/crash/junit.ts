/** What a JUnit report says, without times and everything else that differs between equal runs. */

/** The text of each case, by its name: `mod.x t1`. */
export type Cases = ReadonlyMap<string, string>;

/** The cases of a report. `root`: the folder of the suite. */
export function casesOf(xml: string, root: string): Cases {
  const cases = new Map<string, string>();
  for (const [text] of xml
    .replaceAll(root, 'ROOT')
    .matchAll(/<testcase\b[^>]*?(?:\/>|>[\s\S]*?<\/testcase>)/g)) {
    const name = `${attributeOf(text, 'classname')} ${attributeOf(text, 'name')}`;
    if (cases.has(name)) throw new Error(`the report has ${name} twice`);
    cases.set(name, withoutChance(text));
  }
  return cases;
}

/** The name of a task in `Cases`. */
export function caseName(path: string): string {
  const parts = path.split('/');
  return `${parts.slice(0, -1).join('.')} ${parts.at(-1)}`;
}

function attributeOf(text: string, name: string): string {
  return new RegExp(` ${name}="([^"]*)"`).exec(text)?.[1] ?? '';
}

/** Times, ids of runs, numbers of sessions, which worker a provider had, and how long a service was up. */
function withoutChance(text: string): string {
  return text
    .replace(/ time="[^"]*"/g, '')
    .replace(/\.pexen\/runs\/[0-9a-f-]+\//g, '.pexen/runs/ID/')
    .replace(/-s\d+-a(\d+)\./g, '-a$1.')
    .replace(/\n*the worker of its provider [^\n<]*/g, '')
    .replace(/service: ready after [^\n<]*\n?/g, '')
    .replace(/\s*<system-out><\/system-out>/g, '')
    .replace(/(<testcase [^>]*)>\s*<\/testcase>/g, '$1/>');
}
