/** Where the page is: the address bar as a rune. */
class Router {
  path = $state(location.pathname);
  search = $state(location.search);

  get query(): URLSearchParams {
    return new URLSearchParams(this.search);
  }

  go(href: string, { replace = false } = {}): void {
    const url = new URL(href, location.href);
    if (replace) history.replaceState(null, '', url);
    else history.pushState(null, '', url);
    this.#follow();
    if (!replace && url.hash === '') window.scrollTo(0, 0);
  }

  /** The same place with other query parameters; null takes one away. */
  refine(changes: Readonly<Record<string, string | null>>): void {
    const query = this.query;
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === '') query.delete(name);
      else query.set(name, value);
    }
    const text = query.toString();
    this.go(`${this.path}${text === '' ? '' : `?${text}`}`, { replace: true });
  }

  /** Follows the browser's own buttons, and takes over plain clicks on links of the page. */
  listen(): () => void {
    const back = () => this.#follow();
    const click = (event: MouseEvent) => {
      if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
      const link = event.target instanceof Element ? event.target.closest('a') : null;
      if (!link || link.target !== '' || link.hasAttribute('download') || link.origin !== location.origin) return;
      if (link.dataset['leave'] !== undefined) return;
      event.preventDefault();
      this.go(link.href);
    };
    window.addEventListener('popstate', back);
    document.addEventListener('click', click);
    return () => {
      window.removeEventListener('popstate', back);
      document.removeEventListener('click', click);
    };
  }

  #follow(): void {
    this.path = location.pathname;
    this.search = location.search;
  }
}

export const router = new Router();

/** `/records/:id` against `/records/7`: `{ id: '7' }`; null where it does not fit. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const names = pattern.split('/');
  const parts = path.replace(/\/$/, '').split('/');
  if (names.length !== parts.length) return null;
  const found: Record<string, string> = {};
  for (const [at, name] of names.entries()) {
    const part = parts[at] ?? '';
    if (name.startsWith(':')) found[name.slice(1)] = decode(part);
    else if (name !== part) return null;
  }
  return found;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
