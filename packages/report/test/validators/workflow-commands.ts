/** Commands of GitHub Actions, as its runner reads them from the lines of a log. */

/** `::error file=a.ts,line=3::message` */
export interface WorkflowCommand {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly message: string;
}

/** Undefined for other lines. */
export function readCommand(line: string): WorkflowCommand | undefined {
  const [, name, properties = '', message] = /^\s*::([\w-]+)(?: (.*?))?::(.*)$/s.exec(line) ?? [];
  if (name === undefined || message === undefined) return undefined;
  const pairs = properties.split(',').filter((pair) => pair !== '');
  return {
    name,
    properties: Object.fromEntries(
      pairs.map((pair) => {
        const at = pair.indexOf('=');
        const value = pair
          .slice(at + 1)
          .replaceAll('%3A', ':')
          .replaceAll('%2C', ',');
        return [pair.slice(0, at), decoded(value)];
      }),
    ),
    message: decoded(message),
  };
}

function decoded(text: string): string {
  return text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
}
