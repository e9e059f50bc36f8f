/**
 * Builds the documentation site into `site/`: the README as home, the guides and decisions of docs/, and the API of every published package
 * from its sources. Fails on each warning of TypeDoc and on each link of the finished pages that leads nowhere.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import {
  Application,
  type CommentDisplayPart,
  Converter,
  type DeclarationReflection,
  type DocumentReflection,
  KindRouter,
  MinimalSourceFile,
  normalizePath,
  OptionDefaults,
  PageEvent,
  type ProjectReflection,
  type Reflection,
  ReflectionKind,
  TypeScript as ts,
} from 'typedoc';
import { deadLinks } from './dead-links.ts';

/** A published package, with its modules by the names under which they are imported. */
interface Package {
  readonly name: string;
  readonly readme: string;
  readonly modules: readonly { readonly name: string; readonly path: string }[];
}

/** Of markdown-it, which TypeDoc brings, what is used here. */
interface MarkdownIt {
  readonly core: { readonly ruler: { push(name: string, rule: (state: MarkdownState) => void): void } };
}
interface MarkdownState {
  readonly tokens: readonly MarkdownToken[];
  readonly Token: new (type: string, tag: string, nesting: number) => MarkdownToken;
}
interface MarkdownToken {
  readonly type: string;
  content: string;
  children: MarkdownToken[] | null;
}

const root = resolve(import.meta.dirname, '../..');
const out = join(root, 'site');
const repository = 'https://github.com/pexen/pexen';

const app = await Application.bootstrap({
  name: 'pexen',
  readme: 'README.md',
  projectDocuments: ['docs/*.md', 'CONTRIBUTING.md', 'docs/decisions/README.md', 'docs/decisions/0*.md'],
  basePath: root,
  displayBasePath: root,
  router: 'pages',
  headings: { readme: false, document: false },
  navigation: { includeGroups: true, excludeReferences: true },
  navigationLinks: { Repository: repository },
  groupOrder: ['Guides', 'Modules', 'Decisions', '*'],
  sort: ['alphabetical'],
  sortEntryPoints: true,
  searchInDocuments: true,
  highlightLanguages: [
    'typescript',
    'cmake',
    'shellscript',
    'shellsession',
    'yaml',
    'json',
    'mermaid',
    'ini',
    'html',
    'groovy',
    'markdown',
  ],
  ignoredHighlightLanguages: ['text', 'tap'],
  excludeExternals: true,
  excludeInternal: true,
  excludePrivate: true,
  customCss: 'tools/site/site.css',
  hideGenerator: true,
  sourceLinkTemplate: `${repository}/blob/{gitRevision}/{path}#L{line}`,
  blockTags: [...OptionDefaults.blockTags, '@pattern'],
  excludeTags: [...OptionDefaults.excludeTags, '@pattern'],
  markdownItLoader: ({ core }: MarkdownIt) => core.ruler.push('code-in-headings', codeInHeadings),
  validation: {
    invalidLink: true,
    invalidPath: true,
    rewrittenLink: true,
    notExported: false,
    notDocumented: false,
  },
});

/** Pages are where they are in the repository: `docs/tasks.md` is `docs/tasks.html`. */
class PagesRouter extends KindRouter {
  protected override getIdealBaseName(reflection: Reflection): string {
    const path =
      reflection.kindOf(ReflectionKind.Document) && reflection.project.files.getReflectionPath(reflection);
    return path ? relative(root, path).replace(/\.md$/, '') : super.getIdealBaseName(reflection);
  }
}

const packages = packageFolders().flatMap(published);
app.renderer.defineRouter('pages', PagesRouter);
app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, document) => nameLikeItsHeading(document));
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => addReadmes(project));
app.converter.on(Converter.EVENT_END, ({ project }) => {
  nameGroup(project);
  leadFilesToTheRepository(project);
});
app.renderer.on(PageEvent.END, nameFirstPage);

process.exitCode = (await build()) ? 0 : 1;

async function build(): Promise<boolean> {
  const entries = entryPoints();
  await app.initializeRepositories(entries);
  const project = app.converter.convert(entries);
  app.validate(project);
  await app.generateDocs(project, out);
  const dead = deadLinks(out);
  for (const { page, link, reason } of dead) app.logger.error(`${page}: ${link}: ${reason}`);
  return !app.logger.hasErrors() && !app.logger.hasWarnings();
}

/** In the order of their layers, so that what several packages export is a page of the one that it comes from. */
function packageFolders(): string[] {
  const { references } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')) as {
    references: { path: string }[];
  };
  return references.map(({ path }) => join(root, path)).filter((path) => !path.endsWith('.json'));
}

/** The package in a folder; none if it is private. Entries that export nothing to import are programs. */
function published(dir: string): Package[] {
  const { name, private: isPrivate, exports } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'));
  if (isPrivate) return [];
  const modules = Object.entries<{ '@pexen/source'?: string }>(exports).flatMap(
    ([entry, { '@pexen/source': source }]) =>
      source === undefined ? [] : [{ name: join(name, entry), path: join(dir, source) }],
  );
  return [{ name, readme: join(dir, 'README.md'), modules }];
}

/** One program for all packages, so that a type that several of them export is one page. */
function entryPoints() {
  const modules = packages.flatMap((each) => each.modules);
  const { config } = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, root);
  const program = ts.createProgram({ rootNames: modules.map(({ path }) => path), options });
  const checker = program.getTypeChecker();
  return modules.flatMap(({ name, path }) => {
    const sourceFile = program.getSourceFile(path);
    const symbol = sourceFile && checker.getSymbolAtLocation(sourceFile);
    return sourceFile && symbol && checker.getExportsOfModule(symbol).length > 0
      ? [{ displayName: name, program, sourceFile }]
      : [];
  });
}

/** Names a page after its heading, a decision after its number too. */
function nameLikeItsHeading(document: DocumentReflection): void {
  const path = document.project.files.getReflectionPath(document) ?? '';
  const heading = /^# (.*)$/m.exec(readFileSync(path, 'utf8'))?.[1]?.replaceAll('`', '') ?? document.name;
  const number = /^\d{4}(?=-)/.exec(basename(path))?.[0];
  document.name = number === undefined ? heading : `${number} ${heading.replace(/^\d+\.? /, '')}`;
  document.frontmatter.group = number === undefined ? 'Guides' : 'Decisions';
}

/** The first page of a package is its README below the heading, which the page has anyway; links to that file lead there. */
function addReadmes(project: ProjectReflection): void {
  for (const { name, readme } of packages) {
    const module = project.getChildByName([name]) as DeclarationReflection;
    const file = new MinimalSourceFile(
      readFileSync(readme, 'utf8').replace(/^# .*\n/, ''),
      normalizePath(readme),
    );
    module.readme = app.converter.parseRawComment(file, project.files).content;
    project.files.registerReflectionPath(normalizePath(readme), module);
  }
}

/** Links to files that are not pages, such as sources, lead to the repository. */
function leadFilesToTheRepository(project: ProjectReflection): void {
  const revision = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  const address = (path: string): string => `${repository}/blob/${revision}/${relative(root, path)}`;
  const lead = (part: CommentDisplayPart): CommentDisplayPart => {
    if (part.kind !== 'relative-link' || part.target === undefined) return part;
    const target = project.files.resolve(part.target, project);
    return typeof target === 'string' ? { kind: 'text', text: address(target) } : part;
  };
  for (const reflection of Object.values(project.reflections)) {
    if (reflection.isDocument()) reflection.content = reflection.content.map(lead);
    if ((reflection.isDeclaration() || reflection.isProject()) && reflection.readme)
      reflection.readme = reflection.readme.map(lead);
    if (reflection.comment) reflection.comment.summary = reflection.comment.summary.map(lead);
  }
}

/** The group of all modules is that of the packages: each module is an entry of one. */
function nameGroup(project: ProjectReflection): void {
  for (const group of project.groups ?? []) if (group.title === 'Modules') group.title = 'Packages';
}

/** TypeDoc makes the anchor of a heading of its text alone; what stands in backticks there has to be text for it, as on GitHub. */
function codeInHeadings({ tokens, Token }: MarkdownState): void {
  const make = (type: string, content: string): MarkdownToken =>
    Object.assign(new Token(type, '', 0), { content });
  for (const [index, { children }] of tokens.entries()) {
    if (tokens[index - 1]?.type !== 'heading_open' || children === null) continue;
    const withText = children.flatMap((token) =>
      token.type === 'code_inline'
        ? [make('html_inline', '<code>'), make('text', token.content), make('html_inline', '</code>')]
        : [token],
    );
    children.splice(0, children.length, ...withText);
  }
}

/** Links to the first page name its file, so that the site can be read from a disk, without a server. */
function nameFirstPage(page: PageEvent): void {
  if (page.contents === undefined) return;
  page.contents = page.contents.replaceAll(/href="((?:\.\.?\/)+)(?=["#])/g, 'href="$1index.html');
}
