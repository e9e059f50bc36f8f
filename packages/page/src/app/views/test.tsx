/** The page of one test: what became of it and why, its attempts, its output, what it waited for, and what it is. */
import type { RequirementInfo } from '@pexen/core';
import type { TaskAttempt } from '@pexen/report/model';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ShownAttachment, TaskDetails } from '../../data/document.ts';
import { span } from '../../data/head.ts';
import type { PageTask } from '../../data/page-run.ts';
import { detailsFor, historyOf, loadDetails } from '../extras.ts';
import { AttemptFailure, Findings } from '../failure.tsx';
import { Copy, follow, History, Section, Status, TestLink } from '../parts.tsx';
import { hrefOf, navigate } from '../route.ts';
import { lettersOf, now, root, run, schedule, source } from '../store.ts';
import { Output, plain, Terminal } from '../texts.tsx';

export function TestPage({ test }: { readonly test: PageTask }): JSX.Element {
  const { path, task } = test;
  useEffect(() => void loadDetails(path), [path, task.version]);
  const details = detailsFor(path);
  return (
    <article aria-label={path}>
      <Title test={test} />
      <Why test={test} details={details} />
      <Attempts test={test} details={details} />
      {task.result !== undefined && task.result.findings.length > 0 && (
        <Section title="Findings" aside={`${task.result.findings.length}`}>
          <Findings findings={task.result.findings} />
        </Section>
      )}
      <Attachments test={test} details={details} />
      <Waited test={test} />
      <Facts test={test} />
    </article>
  );
}

function Title({ test }: { readonly test: PageTask }): JSX.Element {
  const { path, condition, durationMs, task } = test;
  const letters = lettersOf(path, historyOf(path));
  const startedAt = task.running?.startedAtMs;
  const shownMs = startedAt === undefined ? durationMs : Math.max(0, now.value - startedAt);
  return (
    <header class="test-title">
      <button
        type="button"
        class="close"
        aria-label="Close this test"
        title="Close (Esc)"
        onClick={() => navigate({ test: undefined })}
      >
        ×
      </button>
      <h2>{path}</h2>
      <p>
        <Status condition={condition} />
        {shownMs !== undefined && <span> in {span(shownMs)}</span>}
        {task.result?.flaky === true && <span> at attempt {task.result.attempts.length}</span>}
        {task.result?.slow === true && <span class="odd"> slower than it should be</span>}
        {task.result?.recalled !== undefined && (
          <span class="note"> a result of session {task.result.recalled.session}</span>
        )}
        {letters !== undefined && <History letters={letters} present={condition} />}
      </p>
      {task.running?.progress !== undefined && (
        <p>
          <progress max={task.running.progress.total ?? 1} value={task.running.progress.done} />{' '}
          {task.running.progress.message}
        </p>
      )}
    </header>
  );
}

/** Why it was skipped or waits, as a chain along which one can go. */
function Why({
  test,
  details,
}: {
  readonly test: PageTask;
  readonly details: TaskDetails;
}): JSX.Element | null {
  const { result, facts } = test.task;
  const chain = result?.reason ?? [];
  const lines = details.whyLines ?? [];
  const { providersGone = [] } = result ?? {};
  if (chain.length + lines.length + providersGone.length === 0 && facts.whyNot === undefined) return null;
  return (
    <Section title="Why">
      <ol class="chain">
        {facts.whyNot !== undefined && chain.length === 0 && <li>{plain(facts.whyNot)}</li>}
        {lines.length === 0 &&
          chain.map(({ task, why }, at) => (
            <li key={at}>
              {task !== test.path && <TestLink path={task} />} {plain(why)}
            </li>
          ))}
        {lines.map((line, at) => (
          <li key={at}>{plain(line)}</li>
        ))}
        {providersGone.map(({ provider, worker, reason }) => (
          <li key={provider}>
            the worker of its provider <TestLink path={provider} /> ({worker}) is gone: it {plain(reason)}
          </li>
        ))}
      </ol>
      {details.why !== undefined && (
        <Along steps={details.why.steps.map(({ path }) => path).filter((path) => path !== test.path)} />
      )}
    </Section>
  );
}

function Along({ steps }: { readonly steps: readonly string[] }): JSX.Element | null {
  if (steps.length === 0) return null;
  return (
    <p class="along">
      {[...new Set(steps)].map((path) => (
        <TestLink key={path} path={path} />
      ))}
    </p>
  );
}

function Attempts({
  test,
  details,
}: {
  readonly test: PageTask;
  readonly details: TaskDetails;
}): JSX.Element | null {
  const { result, running } = test.task;
  const attempts = result?.attempts ?? [];
  const [chosen, choose] = useState<number | undefined>(undefined);
  const shown = attempts.find(({ attempt }) => attempt === chosen) ?? attempts.at(-1);
  if (running !== undefined) return <RunningAttempt test={test} />;
  if (shown === undefined) return null;
  const message = result?.judgement.reason;
  const isRepeated = shown.error?.message === message || shown.reason === message;
  return (
    <Section
      title={attempts.length > 1 ? 'Attempts' : 'What happened'}
      aside={`${shown.worker}, from ${span(shown.startedAtMs)}`}
    >
      {attempts.length > 1 && (
        <div class="choice">
          {attempts.map(({ attempt, outcome, durationMs }) => (
            <button
              type="button"
              key={attempt}
              aria-pressed={attempt === shown.attempt}
              onClick={() => choose(attempt)}
            >
              {attempt}: {outcome} in {span(durationMs)}
            </button>
          ))}
        </div>
      )}
      {message !== undefined && !isRepeated && shown === attempts.at(-1) && <Terminal text={message} />}
      <AttemptFailure attempt={shown} details={shown === attempts.at(-1) ? details : {}} />
      <CapturedOutput path={test.path} attempt={shown} />
      {test.condition === 'pass' && shown.stdout === undefined && shown.stderr === undefined && (
        <p class="quiet">It passed and printed nothing.</p>
      )}
    </Section>
  );
}

function CapturedOutput({
  path,
  attempt,
}: {
  readonly path: string;
  readonly attempt: TaskAttempt;
}): JSX.Element {
  return (
    <>
      {(['stdout', 'stderr'] as const).map((stream) => {
        const output = attempt[stream];
        if (output === undefined || output.totalBytes === 0) return null;
        return (
          <OneOutput
            key={`${path} ${attempt.attempt} ${stream}`}
            path={path}
            attempt={attempt.attempt}
            stream={stream}
            output={output}
          />
        );
      })}
    </>
  );
}

interface OneOutputProps {
  readonly path: string;
  readonly attempt: number;
  readonly stream: 'stdout' | 'stderr';
  readonly output: NonNullable<TaskAttempt['stdout']>;
}

function OneOutput({ path, attempt, stream, output }: OneOutputProps): JSX.Element {
  const { head, tail, totalBytes, file } = output;
  const [whole, setWhole] = useState<string | undefined>(undefined);
  const isCut = tail !== '' && whole === undefined;
  const text =
    whole ??
    (tail === ''
      ? head
      : `${head}\n\u001b[2m… of ${totalBytes.toLocaleString('en-US')} bytes, the middle is left out …\u001b[0m\n${tail}`);
  const { output: ask } = source.value;
  return (
    <Output title={stream === 'stdout' ? 'Output' : 'Error output'} text={text}>
      {isCut && (
        <p class="note">
          {file !== undefined && (
            <>
              All of it: <code>{file}</code>{' '}
            </>
          )}
          {ask !== undefined && (
            <button
              type="button"
              onClick={() =>
                void ask(path, attempt, stream, 0)
                  .then((part) => setWhole(part.text))
                  .catch(() => {})
              }
            >
              show all {totalBytes.toLocaleString('en-US')} bytes
            </button>
          )}
        </p>
      )}
    </Output>
  );
}

/** The output as it comes. */
function RunningAttempt({ test }: { readonly test: PageTask }): JSX.Element {
  const { running } = test.task;
  const attempt = running?.attempt ?? 1;
  const [text, setText] = useState('');
  const [read, setRead] = useState(0);
  const { output: ask } = source.value;
  useEffect(() => {
    if (ask === undefined) return;
    let isOver = false;
    void ask(test.path, attempt, 'stdout', read)
      .then((part) => {
        if (isOver || part.to <= read) return;
        setText((before) => (before + part.text).slice(-200_000));
        setRead(part.to);
      })
      .catch(() => {});
    return () => {
      isOver = true;
    };
  }, [ask, test.path, attempt, test.task.version]);
  return (
    <Section title="Now" aside={`${running?.worker ?? ''}, attempt ${attempt}`}>
      {running !== undefined && running.failedFindings > 0 && (
        <p class="bad">{running.failedFindings} findings failed so far</p>
      )}
      <Terminal text={text === '' ? (running?.tail ?? '') : text} />
      {text === '' && running?.tail === '' && <p class="quiet">It has printed nothing so far.</p>}
    </Section>
  );
}

function Attachments({
  test,
  details,
}: {
  readonly test: PageTask;
  readonly details: TaskDetails;
}): JSX.Element | null {
  const known: readonly ShownAttachment[] = details.attachments ?? test.task.attachments ?? [];
  if (known.length === 0) return null;
  return (
    <Section title="Attachments">
      {known.map((each, number) => (
        <AttachmentView key={number} test={test} number={number} shown={each} />
      ))}
    </Section>
  );
}

interface AttachmentProps {
  readonly test: PageTask;
  readonly number: number;
  readonly shown: ShownAttachment;
}

function AttachmentView({ test, number, shown }: AttachmentProps): JSX.Element {
  const { name, mediaType, bytes, text, image, href, note } = shown;
  const [loaded, setLoaded] = useState<string | undefined>(undefined);
  const { attachment } = source.value;
  const isImage = mediaType?.startsWith('image/') === true && mediaType !== 'image/svg+xml';
  useEffect(() => {
    if (attachment !== undefined && isImage)
      void attachment(test.path, number)
        .then(setLoaded)
        .catch(() => {});
  }, [attachment, isImage, test.path, number]);
  const address = image ?? loaded;
  const about = [mediaType, bytes === undefined ? undefined : `${bytes.toLocaleString('en-US')} bytes`, note];
  return (
    <figure class="attachment">
      <figcaption>
        {href === undefined ? <b>{plain(name)}</b> : <a href={href}>{plain(name)}</a>}{' '}
        <span class="note">{about.filter(Boolean).join(', ')}</span>
      </figcaption>
      {isImage && address !== undefined && <img src={address} alt={name} />}
      {text !== undefined && <Terminal text={text} />}
      {!isImage && attachment !== undefined && text === undefined && (
        <button
          type="button"
          onClick={() =>
            void attachment(test.path, number)
              .then(save(name))
              .catch(() => {})
          }
        >
          download
        </button>
      )}
    </figure>
  );
}

function save(name: string): (address: string) => void {
  return (address) => {
    const link = document.createElement('a');
    link.href = address;
    link.download = name.replaceAll(/[/\\]/g, '_');
    link.click();
  };
}

/** What it waited for before it started, one after the other. */
function Waited({ test }: { readonly test: PageTask }): JSX.Element | null {
  if (!run.value.document.snapshot.run.hasEnded) return null;
  const waits = schedule.value.waitsOf(test.path).filter(({ fromMs, toMs }) => toMs - fromMs >= 1);
  if (waits.length === 0) return null;
  return (
    <Section title="Before it started">
      <table class="waits">
        <thead class="unseen">
          <tr>
            <th>how long</th>
            <th>for what</th>
          </tr>
        </thead>
        <tbody>
          {waits.map(({ kind, fromMs, toMs, by, resource }) => (
            <tr key={fromMs}>
              <td class="number">{span(toMs - fromMs)}</td>
              <td>
                <i class={`cause ${kind}`} aria-hidden="true" />{' '}
                {kind === 'worker' && 'for a worker to start, or to be free'}
                {kind === 'dependency' && 'for what it needs, last '}
                {kind === 'resource' && (
                  <>
                    for <code>{resource}</code>, held by{' '}
                  </>
                )}
                {by !== undefined && <TestLink path={by} />}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

function Facts({ test }: { readonly test: PageTask }): JSX.Element {
  const { facts } = test.task;
  const {
    location,
    requires = [],
    provides = [],
    after = [],
    before = [],
    uses = [],
    claims = [],
    tags = [],
  } = facts;
  const command = `${run.value.document.command} ${shellWord(test.path)}`;
  const timeline = { view: 'timeline', test: test.path } as const;
  const graph = { view: 'graph', test: test.path } as const;
  return (
    <Section title="About it">
      <dl class="facts">
        {location !== undefined && (
          <Fact name="made in">
            <code>{`${location.file}${location.line === undefined ? '' : `:${location.line}`}`}</code>
          </Fact>
        )}
        <Fact name="run it again">
          <code>{command}</code> <Copy text={command} what="the command" />
          <Rerun path={test.path} />
        </Fact>
        <Fact name="see it in">
          <a href={hrefOf(timeline)} onClick={follow(timeline)}>
            the timeline
          </a>
          {' and '}
          <a href={hrefOf(graph)} onClick={follow(graph)}>
            the graph
          </a>
        </Fact>
        <Names name="tags" values={tags} />
        <Names name="requires" values={requires.map(requirementText)} />
        <Names name="provides" values={provides} />
        <Names name="after" values={after} />
        <Names name="before" values={before} />
        <Names name="claims" values={claims} />
        <Names
          name="uses"
          values={uses.map(({ resource, count }) =>
            count === undefined ? resource : `${count} of ${resource}`,
          )}
        />
        <Names name="tears down" values={facts.tearsDown ?? []} />
        {facts.exclusive === true && <Fact name="runs">alone</Fact>}
        {facts.group !== undefined && <Fact name="group">{facts.group}</Fact>}
        {facts.pool !== undefined && <Fact name="pool">{facts.pool}</Fact>}
        {facts.priority !== undefined && <Fact name="priority">{facts.priority}</Fact>}
        {facts.weightMs !== undefined && <Fact name="expected to take">{span(facts.weightMs)}</Fact>}
        {facts.retries !== undefined && <Fact name="retries">{facts.retries}</Fact>}
        {root.value !== '/' && <Fact name="root">{root.value}</Fact>}
      </dl>
    </Section>
  );
}

function Rerun({ path }: { readonly path: string }): JSX.Element | null {
  const { control } = source.value;
  if (control === undefined || run.value.document.control?.includes('rerun') !== true) return null;
  return (
    <button type="button" onClick={() => void control({ kind: 'rerun', paths: [path] }).catch(() => {})}>
      run it now
    </button>
  );
}

function Fact({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Names({
  name,
  values,
}: {
  readonly name: string;
  readonly values: readonly string[];
}): JSX.Element | null {
  if (values.length === 0) return null;
  return (
    <Fact name={name}>
      {values.slice(0, 40).map((value) => (
        <span key={value} class="chip">
          {value.startsWith('task:') ? <TestLink path={value.slice(5)} /> : plain(value)}
        </span>
      ))}
      {values.length > 40 && ` and ${values.length - 40} more`}
    </Fact>
  );
}

function requirementText({ form, capabilities, count }: RequirementInfo): string {
  if (form === 'one') return capabilities[0] ?? '';
  const names = capabilities.join(', ');
  if (form === 'at-least') return `${count} of ${names}`;
  return form === 'every' ? `every ${names}` : `any of ${names}`;
}

/** A path as a word of a shell that means itself. */
function shellWord(path: string): string {
  return /^[\w./:@%+=-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
