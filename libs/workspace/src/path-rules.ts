const longestSegment = 255;
const longestPath = 4_096;
const mostSegments = 100;

/**
 * What is wrong with a path that a change names; undefined when nothing is. Judged on the string
 * alone, before anything is looked up: a path that passes has only plain segments below the root.
 */
export function problemWithPath(path: string): string | undefined {
  if (path === '') return 'the path is empty';
  if (!path.isWellFormed()) return 'the path is not valid Unicode';
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(path)) return 'the path contains a control character';
  if (unseen.test(path))
    return 'the path contains an invisible character or one that turns the writing direction';
  if (path.includes('\\')) return 'the path contains a backslash; segments are separated by "/"';
  if (path.startsWith('/')) return 'the path is absolute; paths are relative to the root of the repository';
  if (/^[A-Za-z]:(\/|$)/.test(path))
    return 'the path starts with a drive letter; paths are relative to the root';
  // A file such as `~$report.docx` is a name like others; `~` and `~user` as a folder mean a home.
  if (/^~([^/]*\/|$)/.test(path))
    return 'the path starts in a home folder ("~"); paths are relative to the root of the repository';
  if (Buffer.byteLength(path) > longestPath) return `the path is longer than ${longestPath} bytes`;
  const segments = path.split('/');
  if (segments.length > mostSegments) return `the path is deeper than ${mostSegments} folders`;
  return segments.map(problemWithSegment).find((problem) => problem !== undefined);
}

/** Formatting characters; those that scripts and emoji are joined with show, so they are names like others. */
const unseen = /(?![\u200c\u200d])\p{Cf}/u;

function problemWithSegment(segment: string): string | undefined {
  if (segment === '') return 'the path has an empty segment ("//" or a "/" at the end)';
  if (segment === '.' || segment === '..') return `the path contains "${segment}"`;
  if (Buffer.byteLength(segment) > longestSegment) return `a segment is longer than ${longestSegment} bytes`;
  if (isGitDirectory(segment)) return 'the path leads into git\'s own directory (".git" in some spelling)';
  return undefined;
}

/** Spellings of `.git` that some file system takes for it; the last two are short names that NTFS makes. */
function isGitDirectory(segment: string): boolean {
  const plain = plainSegment(segment);
  return plain === '.git' || /^git[a-z]*~\d+$/.test(plain) || /^gi[0-9a-f]{4}~\d$/.test(plain);
}

/**
 * A name as the most lenient file systems read it, in lower case: compatibility forms (HFS+), characters that
 * HFS+ ignores, trailing dots, spaces and streams (NTFS), letters that become ASCII in upper case.
 */
export function plainSegment(segment: string): string {
  return segment
    .normalize('NFKC')
    .replace(/[\p{Cf}\p{Variation_Selector}]/gu, '')
    .replace(/:.*$/, '')
    .replace(/[. ]+$/, '')
    .toUpperCase()
    .toLowerCase();
}
