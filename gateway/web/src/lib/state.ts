// A value that views watch.
import {useEffect, useState} from 'preact/hooks';

export class Cell<T> {
  private readonly watchers = new Set<(value: T) => void>();

  constructor(private current: T) {}

  get value(): T {
    return this.current;
  }

  set(value: T): void {
    if (Object.is(value, this.current)) return;
    this.current = value;
    for (const watcher of [...this.watchers]) watcher(value);
  }

  watch(watcher: (value: T) => void): () => void {
    this.watchers.add(watcher);
    return () => {
      this.watchers.delete(watcher);
    };
  }
}

export function useCell<T>(cell: Cell<T>): T {
  const [, redraw] = useState(0);
  const drawn = cell.value;
  useEffect(() => {
    const again = () => redraw((n) => n + 1);
    if (!Object.is(cell.value, drawn)) again();  // set after it was drawn, and before anybody watched
    return cell.watch(again);
  }, [cell]);
  return drawn;
}
