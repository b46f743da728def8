export type ThemeChoice = 'system' | 'light' | 'dark';

const storageKey = 'dq.theme';

/** Dark or light: what the person chose, else what the system says. */
class Theme {
  choice = $state<ThemeChoice>(stored());
  #systemIsDark = $state(false);
  readonly dark = $derived(this.choice === 'system' ? this.#systemIsDark : this.choice === 'dark');

  listen(): () => void {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const look = () => {
      this.#systemIsDark = query.matches;
    };
    look();
    query.addEventListener('change', look);
    return () => query.removeEventListener('change', look);
  }

  choose(choice: ThemeChoice): void {
    this.choice = choice;
    localStorage.setItem(storageKey, choice);
  }
}

function stored(): ThemeChoice {
  const choice = localStorage.getItem(storageKey);
  return choice === 'light' || choice === 'dark' ? choice : 'system';
}

export const theme = new Theme();
