/** Hostile texts: control sequences, broken Unicode, markup, and pieces of all of them. */
import fc from 'fast-check';

const pieces = [
  ...[
    '\u0000',
    '\u0007',
    '\u001b',
    '\u001b[2J',
    '\u001b[31m',
    '\u001b]0;title\u0007',
    '\u001b]',
    '\u009b',
    '\u009d',
    '\u0085',
  ],
  ...[
    '\r',
    '\n',
    '\r\n',
    '\t',
    ' ',
    '\u00a0',
    '\u2028',
    '\u2029',
    '\u200b',
    '\u200d',
    '\ufeff',
    '\ufffe',
    '\uffff',
  ],
  ...['\ud800', '\udc00', '\ud83d\ude80', '\u202e', '\u2066', '\u061c', 'e\u0301', '文件', '👩‍👩‍👧'],
  ...[
    '<',
    '>',
    '&',
    '"',
    "'",
    ']]>',
    '<![CDATA[',
    '<!--',
    '-->',
    '<?xml?>',
    '&amp;',
    '&#0;',
    '&nbsp;',
    '</failure>',
  ],
  ...[
    ' {',
    '}',
    '# Subtest: x',
    '\nBail out! no',
    '\n1..3\n',
    '\nok 1 - x\n',
    '\n  ---\n',
    '\n  ...\n',
    ' # SKIP',
    ' # TODO ',
  ],
  ...[
    '::error::',
    '\n::set-output name=x::y',
    '%0A',
    ',title=x',
    '##[error]',
    '\r\u001b[0Ksection_end:1:pexen_1\r',
  ],
  ...[
    '`',
    '\n```\n',
    '~~~',
    '|',
    '* x',
    '\n# h\n',
    '[x](y)',
    '![x](y)',
    '@everyone',
    'https://example.org',
    '<details>',
    '</summary>',
  ],
  ...['$&', '$1', '\\', '%s', '__proto__', 'constructor', '[[ATTACHMENT|/etc/passwd]]', '›', '.', '/', ''],
];

export const hostile: fc.Arbitrary<string> = fc.oneof(
  fc
    .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 4 })), { maxLength: 12 })
    .map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
    .map((units) => String.fromCharCode(...units)),
);
