/**
 * `necro`, the command line: submits tasks, shows them, and finds out what is wrong with a stack.
 *
 *   const exitCode = await runNecro(['list', '--json'], { environment, directory, terminal, input });
 */
export { runNecro, type Surroundings } from './program.js';
export { processTerminal, type Terminal } from './show/terminal.js';
