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

  // In code, thousands of words look like one before them: axe-core is shown one of each look.
  oneOfEach() {
    const seen = new Set()
    for (const word of document.querySelectorAll(':is(pre, code, .sig) span:not(:has(*), a *)')) {
      let look = ''
      for (let e = word; e !== document.body; e = e.parentElement)
        look += `${e.localName} ${e.className} ${e.getAttribute('style')};`
      if (seen.has(look)) word.remove()
      seen.add(look)
    }
  },
}
