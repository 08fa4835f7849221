import type { ArtifactRef } from '@necrocode/contracts';
import { renderTable } from './table.js';
import { harmless, type Terminal } from './terminal.js';
import { showBytes } from './units.js';

export function renderArtifacts(artifacts: readonly ArtifactRef[], terminal: Terminal): string {
  return renderTable(
    [
      { title: 'TYPE', show: ({ type }) => type },
      { title: 'SIZE', show: ({ size_bytes: size }) => showBytes(size), align: 'right' },
      { title: 'SHA-256', show: ({ sha256 }) => sha256.slice(0, 12) },
      { title: 'URI', show: ({ uri }) => harmless(uri) },
    ],
    artifacts,
    terminal,
  );
}
