import { writeFileSync } from 'node:fs';

/**
 * Before the run: says for which suffixes there are test files, so that only their servers are started.
 * After it: names every test that was skipped and writes the counts of the run where `DQ_TALLY_FILE` says, for the closing line of test.mjs.
 * A file that does not load and an error outside of any test count as failures: nothing that went wrong may hide behind passed tests.
 */
export default class RunReporter {
  #vitest;

  onInit(vitest) {
    this.#vitest = vitest;
  }

  onTestRunStart(specifications) {
    this.#vitest.provide('suffixes', [...new Set(specifications.map(({ project }) => project.name))]);
  }

  onTestRunEnd(modules, errors) {
    const tally = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) {
      const broken = [module, ...module.children.allSuites()].filter((suite) => suite.errors().length > 0);
      tally.failed += broken.length;
      for (const test of module.children.allTests()) this.#count(tally, test);
    }
    if (process.env.DQ_TALLY_FILE) writeFileSync(process.env.DQ_TALLY_FILE, JSON.stringify(tally));
  }

  #count(tally, test) {
    const { state, note } = test.result();
    if (state === 'passed' || state === 'failed') tally[state] += 1;
    // Tests that the person's own `-t PATTERN` leaves out were not asked for.
    else if (state === 'skipped' && this.#isAskedFor(test)) {
      tally.skipped += 1;
      process.stdout.write(`skipped: ${test.module.relativeModuleId} > ${test.fullName}${note ? ` (${note})` : ''}\n`);
    }
  }

  #isAskedFor(test) {
    return this.#vitest.config.testNamePattern?.test(test.fullName.replaceAll(' > ', ' ')) ?? true;
  }
}
