/** What a page shows of a task beyond the model, from files: the places in sources that matter to a failure, and its attachments. */
import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import type { Attachment, SourceLocation } from '@pexen/core';
import { framesOf, sourceAround, type TaskSnapshot } from '@pexen/report';
import { isRed } from '@pexen/report/model';
import type { ShownAttachment, SourceFrame, TaskDetails } from '../data/document.ts';

/** How much of attachments goes into a document. */
export interface AttachmentLimits {
  /** Of one text, characters. */
  readonly text: number;
  /** Of one image, bytes; 0 for none. */
  readonly image: number;
}

/** So many places are shown. */
const MOST_FRAMES = 3;
/** So many lines stand before and after the line. */
const AROUND = 4;

/** The details of a task, where it has any. Files of tasks are relative to `root`. */
export function detailsOf(task: TaskSnapshot, root: string, limits: AttachmentLimits): TaskDetails {
  const frames = sourceFrames(task, root);
  const attachments = (task.attachments ?? []).map((each) => shownAttachment(each, root, limits));
  return {
    ...(frames.length > 0 && { frames }),
    ...(attachments.length > 0 && { attachments }),
  };
}

/** The lines around failed findings and the frames of the stack in the user's code; without any, where the task was made. */
function sourceFrames({ result, facts }: TaskSnapshot, root: string): readonly SourceFrame[] {
  if (result === undefined || !isRed(result.judgement.verdict)) return [];
  const error = result.attempts.at(-1)?.error;
  const places: { readonly location: SourceLocation; readonly what: string; readonly isOfTask?: boolean }[] =
    [
      ...framesOf(error?.stack ?? '', false).map(({ location, name }, at) => ({
        location,
        what: at === 0 ? 'thrown here' : `called here${name === undefined ? '' : `, in ${name}`}`,
      })),
      ...result.findings
        .filter(({ status, location }) => status === 'fail' && location !== undefined)
        .map(({ name, location }) => ({
          location: location as SourceLocation,
          what: `in the finding "${name}"`,
        })),
    ];
  const [first] = places;
  if (first === undefined && facts.location?.line !== undefined)
    places.push({ location: facts.location, what: 'made here', isOfTask: true });
  const frames = places.flatMap(
    ({ location, what, isOfTask }) => frameAt(location, what, root, isOfTask) ?? [],
  );
  return [...new Map(frames.map((frame) => [`${frame.file}:${frame.line}`, frame])).values()].slice(
    0,
    MOST_FRAMES,
  );
}

function frameAt(
  { file, line }: SourceLocation,
  what: string,
  root: string,
  isOfTask = false,
): SourceFrame | undefined {
  if (line === undefined) return undefined;
  const absolute = resolve(root, file);
  const around = sourceAround({ file: absolute, line }, AROUND, isOfTask);
  return around && { file: shortened(absolute, root), line, what, ...around };
}

/** Relative to the root, where it is below that. */
function shortened(file: string, root: string): string {
  const below = relative(root, file);
  return below.startsWith('..') || isAbsolute(below) ? file : below;
}

function shownAttachment(
  { name, mediaType, file, text }: Attachment,
  root: string,
  limits: AttachmentLimits,
): ShownAttachment {
  const common = { name, ...(mediaType !== undefined && { mediaType }) };
  if (text !== undefined)
    return {
      ...common,
      text: text.slice(0, limits.text),
      ...(text.length > limits.text && { note: 'only its beginning' }),
    };
  if (file === undefined) return common;
  const path = resolve(root, file);
  const size = sizeOf(path);
  if (size === undefined) return { ...common, note: `${file} was not found` };
  const shown = { ...common, bytes: size };
  const isImage = mediaType?.startsWith('image/') === true && mediaType !== 'image/svg+xml';
  if (isImage && size <= limits.image)
    return { ...shown, image: `data:${mediaType};base64,${readFileSync(path).toString('base64')}` };
  if (!isImage && isText(mediaType, file) && size <= limits.text)
    return { ...shown, text: readFileSync(path, 'utf8') };
  return { ...shown, note: `in ${shortened(path, root)}` };
}

function isText(mediaType: string | undefined, file: string): boolean {
  if (mediaType !== undefined) return /^text\/|\b(?:json|xml|yaml)\b/.test(mediaType);
  return /\.(?:txt|log|json|xml|ya?ml|csv|md|diff|patch|out|err)$/.test(file);
}

function sizeOf(path: string): number | undefined {
  try {
    const facts = statSync(path);
    return facts.isFile() ? facts.size : undefined;
  } catch {
    return undefined;
  }
}
