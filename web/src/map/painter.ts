import type { Core, ElementDefinition } from "cytoscape";
import type { Way } from "./network";

const slice = 8; // milliseconds of a frame that changes may take
const together = 16; // elements of one change

/**
 * A Painter brings the drawing to what is wanted, in slices that leave the page
 * free in between; only what differs is touched.
 */
export class Painter {
  private drawn = new Map<string, string>(); // what was asked for last, by id
  private left: ElementDefinition[] = [];
  private frame = 0;
  private stopped = false;
  private way: Way = { switches: new Set(), cables: new Set() };
  private found = "";

  constructor(private readonly cy: Core, private readonly done: () => void) {}

  stop() {
    this.stopped = true;
    cancelAnimationFrame(this.frame);
  }

  /** want has the drawing become so. What is not among them goes. */
  want(elements: ElementDefinition[]) {
    if (this.stopped) return;
    const all = new Set<string>();
    this.left = elements.filter((e) => {
      all.add(e.data.id!);
      return this.drawn.get(e.data.id!) !== formOf(e);
    });
    const gone = [...this.drawn.keys()].filter((id) => !all.has(id));
    if (gone.length) {
      this.cy.batch(() => {
        for (const id of gone) {
          this.drawn.delete(id);
          this.cy.getElementById(id).remove();
        }
      });
    }
    this.pump();
  }

  private pump() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      const end = performance.now() + slice;
      const from = this.left.length;
      while (this.left.length && performance.now() < end) {
        const some = this.left.splice(0, together);
        this.cy.batch(() => some.forEach((e) => this.put(e)));
      }
      if (this.left.length) this.pump();
      else if (from) this.done();
    });
  }

  private put(e: ElementDefinition) {
    const id = e.data.id!;
    const before = this.drawn.get(id);
    this.drawn.set(id, formOf(e));
    const old = this.cy.getElementById(id);
    if (old.empty()) {
      this.cy.add(e);
    } else {
      old.data(e.data);
      if (before?.split("|", 1)[0] !== e.classes) old.classes(e.classes as string);
    }
    this.mark(id);
  }

  private mark(id: string) {
    const e = this.cy.getElementById(id);
    if (this.way.switches.has(id) || this.way.cables.has(id)) e.addClass("way");
    if (this.found === id) e.addClass("found");
  }

  /** show marks a way, and what was found. */
  show(way: Way, found: string) {
    this.cy.batch(() => {
      this.cy.elements(".way").removeClass("way");
      this.cy.elements(".found").removeClass("found");
      this.way = way;
      this.found = found;
      for (const id of [...way.switches, ...way.cables, found]) if (id) this.mark(id);
    });
  }
}

/** formOf returns what of an element is drawn, in a form that can be compared. */
function formOf(e: ElementDefinition): string {
  return `${e.classes as string}|${Object.values(e.data).join("|")}`;
}
