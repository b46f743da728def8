export interface Notice {
  readonly id: number;
  readonly tone: 'good' | 'bad';
  readonly text: string;
  readonly href: string | null;
  readonly hrefLabel: string | null;
}

const shownMs = 6_000;

/** Short messages on what was just done. Bad ones stay until they are closed. */
class Notices {
  all = $state.raw<readonly Notice[]>([]);
  #last = 0;

  good(text: string, link: { href: string; label: string } | null = null): void {
    const id = this.#add('good', text, link);
    setTimeout(() => this.close(id), shownMs);
  }

  bad(text: string): void {
    this.#add('bad', text, null);
  }

  close(id: number): void {
    this.all = this.all.filter((notice) => notice.id !== id);
  }

  #add(tone: Notice['tone'], text: string, link: { href: string; label: string } | null): number {
    this.#last += 1;
    this.all = [...this.all.slice(-2), { id: this.#last, tone, text, href: link?.href ?? null, hrefLabel: link?.label ?? null }];
    return this.#last;
  }
}

export const notices = new Notices();
