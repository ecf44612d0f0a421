// Dark or light: as the system says until the user chooses.

const KEY = "geoul.theme";

export class Theme {
  private readonly system = matchMedia("(prefers-color-scheme: dark)");
  private chosen: string | null = null;

  constructor(private readonly onChange: (isDark: boolean) => void) {
    try {
      this.chosen = localStorage.getItem(KEY);
    } catch {
      // Without storage the system's choice holds.
    }
    this.system.addEventListener("change", () => this.apply());
  }

  get isDark(): boolean {
    return this.chosen ? this.chosen === "dark" : this.system.matches;
  }

  apply(): void {
    document.documentElement.dataset.theme = this.isDark ? "dark" : "light";
    this.onChange(this.isDark);
  }

  toggle(): void {
    this.chosen = this.isDark ? "light" : "dark";
    try {
      localStorage.setItem(KEY, this.chosen);
    } catch {
      // Holds for this page only.
    }
    this.apply();
  }
}
