"""Praat's backslash trigraphs: letters and signs written as a backslash and two characters, such as `\\ae` for æ.

Praat's manual describes them under "Special symbols"; the table is what Praat 6.1.38 makes of every pair of printable
ASCII characters. X-SAMPA has backslashes of its own, so whether a label has trigraphs is for its writer to say.
"""

import re
from collections.abc import Iterable

# Two characters after the backslash, and the number of the letter in Unicode.
_TABLE = r"""
ab 252  Ae c6  ae e6  Al 391  al 3b1  an 2227  Ao c5  ao e5  ap 2bc  as 251  At 2200  at 250  ay 252  bc 299
Be 392  be 3b2  bf 3b2  bs 5c  bu 2022  cc 255  cE 5b5  cf 3c7  Ci 3a7  ci 3c7  cl 2663  cn 31a  co a9
ct 254  cu a4  cv 31c  dd 2202  De 394  de 3b4  dg b0  dh f0  di 2666  dq 5bc  Dv 33b  ef 25b  Ep 395
ep 3b5  eq 21d4  Er 2203  er 25c  Et 397  et 3b7  eu 20ac  fd 192  ff 278  fh 27e  FI fb01  Fi 3a6  fi 3c6
FL fb02  Ga 393  ga 3b3  gc 262  gf 263  gs 261  hc 29c  he 2665  hI 5b4  hj 267  hO 5b9  hr 2de  hs 28a
ht 265  ic 26a  id 27f  in 222b  Io 399  io 3b9  ir 285  jc 29d  Ka 39a  ka 3ba  kb 25e  La 39b  la 3bb
lc 29f  li 361  Lp a3  lz 26e  mj 271  ml 270  mt 26f  Mu 39c  mu 3bc  nc 274  ng 14b  ni 2229  nj 272
no ac  Nu 39d  nu 3bd  Nv 32a  nv 32f  oc 221d  Oe 276  oe 153  Om 3a9  om 3c9  On 39f  on 3bf  oo 221e
or 2228  ox 2297  pA 5b7  pf 261e  Pi 3a0  pi 3c0  Ps 3a8  ps 3c8  qA 5b8  qU 5bb  rc 280  re ae  rh 264
ri 281  rl 27a  Ro 3a1  ro 3c1  rt 279  sE 5b6  sh 283  Si 3a3  si 3c3  sp 2660  sr 25a  SS a7  ss df
sU fb35  su 2211  sw 259  Ta 3a4  ta 3c4  Te 398  te 3b8  tf 3b8  Th de  th fe  TM 2122  tm 2122  tS 2a7
ts 2a6  Tt 22a5  Tv 31e  un 5f  Uo 16e  uo 16f  Up 3a5  up 3c5  uu 222a  Uv 33a  vO fb4b  Vr 221a  vs 28b
vt 28c  wt 28d  Xi 39e  xi 3be  xx d7  yc 28f  yt 28e  zc 291  Ze 396  ze 3b6  zh 292  !d a1  "l 201c
"p 2033  "r 201d  '1 2c8  '2 2cc  '^ 301  'a 27  'p 2032  +- b1  +v 31f  -- 2013  -> 2192  -^ 304  -h ad
-m 2212  -v 320  .. 22ef  .3 2234  .c b7  .f 2d1  /d 2215  0^ 30a  0v 325  3v 339  9+ 5e2  9- 2a2  9e 295
:- f7  :^ 308  :f 2d0  :v 324  <- 2190  << ab  <= 21d0  <> 2194  <_ 2264  =/ 2260  =3 2261  => 21d2  =~ 2245
>> bb  >_ 2265  ?+ 5d0  ?- 2a1  ?d bf  ?g 294  [f 5b  ]f 5d  ^# 21d1  ^9 2c1  ^? 2c0  ^^ 302  ^f 1da0
^G 1dad  ^g 2e0  ^H 2b1  ^h 2b0  ^j 2b2  ^l 2e1  ^M 1d5a  ^m 1d50  ^N 1d51  ^n 207f  ^s 2e2  ^w 2b7  ^x 2e3
^Y 1da3  ^y 2b8  _# 21d3  _u 203f  `^ 300  A" c4  a" e4  A' c1  a' e1  A; 104  a; 105  A^ c2  a^ e2  a_ aa
A` c0  a` e0  A~ c3  a~ e3  B+ 5d1  b^ 253  C% 5e5  C' 106  c' 107  C+ 5e6  C, c7  c, e7  c/ a2  C< 10c
c< 10d  c= 2282  D+ 5d3  D- 110  d- 111  d. 256  D< 10e  d< 10f  d^ 257  E" cb  e" eb  E' c9  e' e9  e- 258
E; 118  e; 119  E< 11a  e< 11b  e= 2208  E^ ca  e^ ea  E` c8  e` e8  f. 27d  f2 3d5  f5 2740  G+ 5d2  G< 1e6
g< 1e7  G^ 29b  g^ 260  H+ 5d4  h- 127  h^ 266  I" cf  i" ef  I' cd  i' ed  i- 268  I^ ce  i^ ee  I` cc
i` ec  J+ 5d9  j- 25f  j^ 284  K% 5da  K+ 5db  L+ 5dc  l- 26c  l. 26d  L/ 141  l/ 142  l~ 26b  M% 5dd
M+ 5de  N% 5df  N' 143  n' 144  N+ 5e0  n. 273  N< 147  n< 148  N^ 306  N~ d1  n~ f1  O" d6  o" f6  O' d3
o' f3  o+ 2295  o- 275  O. 298  O/ d8  o/ f8  o2 3d6  O: 150  o: 151  O^ d4  o^ f4  o_ ba  O` d2  o` f2
O~ d5  o~ f5  P% 5e3  P+ 5e4  Q+ 5e7  R+ 5e8  r. 27b  R< 158  r< 159  S' 15a  s' 15b  S+ 5e1  s. 282  s2 3c2
S< 160  s< 161  T( 318  T) 319  T+ 5ea  t. 288  t2 3d1  T< 164  t< 165  T^ 31d  U" dc  u" fc  U' da  u' fa
u- 289  U: 170  u: 171  U^ db  u^ fb  U` d9  u` f9  V+ 5d5  v^ 30c  W+ 5e9  X+ 5d7  Y" 178  y" ff  Y' dd
y' fd  Y+ 5d8  Y= a5  Z! 17b  z! 17c  Z' 179  z' 17a  Z+ 5d6  z. 290  Z< 17d  z< 17e  |- 1c2  |1 1c0  |2 1c1
|f 7c  |v 329  ~< 334  ~^ 303  ~v 330  ~~ 2248
"""
_WORDS = _TABLE.split()
TRIGRAPHS = {pair: chr(int(code, 16)) for pair, code in zip(_WORDS[::2], _WORDS[1::2], strict=True)}
"""What each pair of characters after a backslash stands for."""

_TRIGRAPH = re.compile(r"\\(" + "|".join(map(re.escape, TRIGRAPHS)) + ")")


def as_letters(text: str) -> str:
    r"""`text`, its trigraphs read as the letters that they stand for; a backslash before anything else stays.

    Examples:
        >>> as_letters(r"r\ae\:f"), as_letters(r"r\`")
        ('ræː', 'r\\`')
    """
    return _TRIGRAPH.sub(lambda match: TRIGRAPHS[match[1]], text)


def seen(texts: Iterable[str]) -> tuple[str, ...]:
    """What may be trigraphs in `texts`, each once, in order."""
    return tuple(dict.fromkeys(match[0] for text in texts for match in _TRIGRAPH.finditer(text)))
