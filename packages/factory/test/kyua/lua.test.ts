/** The part of Lua in which Kyuafiles are written. */
import { expect, test } from 'vitest';
import { isLuaTable, LuaError, type LuaValue, runLua } from '../../src/kyua/lua.ts';

/** What the source passes to `give`. */
function given(source: string): LuaValue[] {
  const got: LuaValue[] = [];
  const give = (args: readonly LuaValue[]): undefined => void got.push(...args);
  const joined = (args: readonly LuaValue[]): string => args.join('/');
  runLua(source, { give, fs: { items: [], entries: new Map([['join', joined]]) } });
  return got;
}

/** The error as `line:column message`. */
function fault(source: string): string {
  try {
    given(source);
  } catch (error) {
    if (error instanceof LuaError) return `${error.place.line}:${error.place.column} ${error.message}`;
    throw error;
  }
  return 'none';
}

test('texts, numbers, constants and comments', () => {
  const source = `#!/usr/bin/lua
give("a\\tb\\65", 'it\\'s', [[
long]], 12, 0x10) -- a comment
--[[ several
lines ]] give(true, false, nil);`;
  expect(given(source)).toEqual(['a\tbA', "it's", 'long', 12, 16, true, false, undefined]);
});

test('calls with one text or one table, and tables with entries of any form', () => {
  const [text, table] = given(`give'x' give{name = "n", ['custom.a'] = 1; "first", (2),}`);
  expect(text).toBe('x');
  if (!isLuaTable(table)) throw new Error('no table');
  expect([...table.entries]).toEqual([
    ['name', 'n'],
    ['custom.a', 1],
  ]);
  expect(table.items).toEqual(['first', 2]);
});

test('local names, joined texts, conditions and loops', () => {
  const source = `
local dir = "a" .. "b" .. 1
if dir == "ab1" and not false then give(fs.join(dir, "c")) elseif nil then give(1) else give(2) end
if dir ~= "ab1" or false then give(3) else local dir = "inner" give(dir) end
for i, name in ipairs({"x", "y"}) do give(i, name .. dir) end`;
  expect(given(source)).toEqual(['ab1/c', 'inner', 1, 'xab1', 2, 'yab1']);
});

test.each([
  ['while true do end', '1:1 "while" cannot be used here'],
  ['give(1)\n  function f() end', '2:3 "function" cannot be used here'],
  ['local f = function() end', '1:11 "function" cannot be used here'],
  ['x = 1', '1:1 assignments cannot be used here, except to "local" names'],
  ['for i = 1, 2 do end', '1:1 only "for … in ipairs(…)" can be used here'],
  ['give(string.upper("x"))', '1:6 "string" is not known here'],
  ['give(fs.files("."))', '1:8 there is no "files" here'],
  ['give("x', '1:6 a string that is not closed cannot be read'],
  ['give("\\q")', '1:6 the escape "\\q" cannot be read'],
  ['give(1', '1:7 ")" is expected, and there is the end of the file'],
  ['give(1 + 2)', '1:8 ")" is expected, and there is "+"'],
  ['give', '1:1 "give" is not a statement'],
  ['local t = {} .. "a"', '1:14 ".." joins texts, and there is table'],
  ['("x")()', '1:1 a statement is expected, and there is "("'],
  ['give.x()', '1:5 there is no "x" here'],
  ['local s = "a" s()', '1:16 "s" is not a function'],
  ['for _, n in ipairs("x") do end', '1:1 ipairs needs a table, not string'],
  ['if give then', '1:13 a statement is expected, and there is the end of the file'],
])('%j is an error with its place', (source, expected) => {
  expect(fault(source)).toBe(expected);
});
