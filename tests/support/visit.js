// What visit.py asks a page; it is there before the page's own scripts.
globalThis.visit = {
  shown: element => element.checkVisibility({visibilityProperty: true}),

  loaded: () => Promise.all([document.fonts.ready, window.MathJax?.startup?.promise]),

  nextFrame: () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))),

  async missingPictures() {
    const missing = []
    for (const picture of document.images) {
      picture.loading = 'eager'
      await picture.decode().catch(() => missing.push(picture.getAttribute('src').slice(0, 80)))
    }
    return missing
  },

  // MathJax shows a mistake as an error, and a command that it does not know in red.
  rawEquations: () =>
    [...document.querySelectorAll('.math, mjx-merror, mtext[mathcolor="red"]')]
      .filter(e => !e.matches('.math') || !e.querySelector('mjx-container'))
      .map(e => e.textContent.trim().slice(0, 80)),

  unfold() {
    for (const folded of document.querySelectorAll('details')) folded.open = true
    for (const tab of document.querySelectorAll('.sd-tab-content')) tab.style.display = 'block'
  },

  // What sticks out to the right, unless it lies in a box that scrolls by itself.
  stickingOut() {
    const scrolls = e => ['auto', 'scroll'].includes(getComputedStyle(e).overflowX)
    const boxed = e => e && e !== document.body && (scrolls(e) || boxed(e.parentElement))
    const all = document.querySelectorAll('main :not(mjx-assistive-mml, mjx-assistive-mml *)')
    const wide = [...all]
      .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && this.shown(e))
      .filter(e => !boxed(e.parentElement))
      .map(e => `<${e.localName} class="${e.getAttribute('class')}"> sticks out`)
    const width = document.documentElement.scrollWidth
    return width > innerWidth ? [`the page is ${width} px wide`, ...wide] : wide
  },

  tinyText(smallest) {
    const found = []
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
      const text = texts.currentNode.data.trim(), e = texts.currentNode.parentElement
      if (!text || !this.shown(e) || e.closest('mjx-container, script, style, noscript')) continue
      const size = parseFloat(getComputedStyle(e).fontSize) // 0: for a screen reader alone
      if (0 < size && size < smallest) found.push(`${size.toFixed(1)} px: ${text.slice(0, 40)}`)
    }
    return found
  },

  // Thousands of words of code look like one before them, and equations are alike: axe-core, which
  // looks at each element, is shown one of each.
  oneOfEach() {
    const seen = new Set()
    const words = ':is(pre, code, dl) :is(span, em, code):not(:has(*), a *)'
    for (const e of document.querySelectorAll(`mjx-container, ${words}`)) {
      if (!e.isConnected) continue
      let look = ''
      for (let a = e; a !== document.body; a = a.parentElement)
        look += `${a.localName} ${a.className} ${a.getAttribute('style')};`
      if (seen.has(look)) e.remove()
      seen.add(look)
    }
  },

  // Words of one style on one background are equally legible: one of them stands for all.
  oneOfEachStyle() {
    const backgrounds = new Map([[null, '']]), seen = new Map()
    const background = e => {
      if (!backgrounds.has(e)) {
        const style = getComputedStyle(e), below = background(e.parentElement)
        const own = `${style.backgroundColor} ${style.backgroundImage} ${style.opacity}`
        backgrounds.set(e, own === 'rgba(0, 0, 0, 0) none 1' ? below : `${below};${own}`)
      }
      return backgrounds.get(e)
    }
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) {
      const e = texts.currentNode.parentElement, style = getComputedStyle(e)
      if (!texts.currentNode.data.trim() || !this.shown(e)) continue
      const look = [style.color, style.fontSize, style.fontWeight, background(e)].join()
      if (!seen.has(look)) seen.set(look, e)
    }
    return [...seen.values()]
  },

  // axe-core takes as long over the contrast of words as over all the rest.
  async violations() {
    const contrast = 'color-contrast', resultTypes = ['violations']
    const rest = await axe.run({resultTypes, rules: {[contrast]: {enabled: false}}})
    const words = await axe.run(this.oneOfEachStyle(), {resultTypes, runOnly: [contrast]})
    return [...rest.violations, ...words.violations]
  },
}
