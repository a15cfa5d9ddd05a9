"""HTML that would run, load, send or lead elsewhere, and what is left of a page's tags."""

import re

HARMFUL = [
    "<script>x()</script>",
    "<SCRIPT/src=//x></SCRIPT>",
    "<img src=x onerror=x()>",
    "<img src='https://x/y.png'>",
    "<a href='javascript:x()'>a</a>",
    "<a href='java&#115;cript:x()'>a</a>",
    "<a href=' data:text/html,x'>a</a>",
    "<a href='vbscript:x'>a</a>",
    "<iframe srcdoc='<script>x()</script>'></iframe>",
    "<meta http-equiv=refresh content='0;url=//x'>",
    "<base href=//x>",
    "<form action=//x><button>b</button></form>",
    "<input autofocus onfocus=x()>",
    "<svg onload=x()><style><meta http-equiv=refresh content=0></style></svg>",
    "<object data=//x></object><embed src=//x>",
    "<link rel=stylesheet href=//x>",
    "<details open ontoggle=x()><summary>s</summary></details>",
    "<div style='position:fixed;inset:0;background-image:url(//x)'>d</div>",
    "<style>body { display: none }</style>",
    "<noscript><p title='</noscript><img src=x onerror=x()>'></noscript>",
    "<!-- --!><script>x()</script> -->",
    "<math><mtext><table><mglyph><style><img src=x onerror=x()></style></table></math>",
]
TAG = re.compile(r"<\s*/?\s*([a-zA-Z]+)([^>]*)>")
