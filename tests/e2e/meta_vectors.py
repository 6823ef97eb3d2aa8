"""The meta commands: requests and the exact replies to them, by rule of the protocol, as in vectors.py.

In replies `c#` is any CAS number but 0 and those that the request has chosen, and `l#` any number of seconds.
"""

import re

from vectors import (BAD_CHUNK, BAD_FORMAT, END, ERROR, KEY_250, KEY_251, NON_NUMERIC, STORED, TOO_LARGE, TOUCHED,
                     U64_MAX, Vector, store, value)

HD = b'HD\r\n'
EN = b'EN\r\n'
NF = b'NF\r\n'
NS = b'NS\r\n'
EX = b'EX\r\n'
MN = b'MN\r\n'
BAD_TOKEN = b'CLIENT_ERROR bad token in command line format\r\n'
BAD_DELTA_VALUE = b'CLIENT_ERROR invalid numeric delta value\r\n'
BAD_INITIAL_VALUE = b'CLIENT_ERROR invalid numeric initial value\r\n'
INVALID_FLAG = b'CLIENT_ERROR invalid flag\r\n'
DUPLICATE_FLAG = b'CLIENT_ERROR duplicate flag\r\n'
INVALID_OR_DUPLICATE = b'CLIENT_ERROR invalid or duplicate flag\r\n'
TOO_MANY_FLAGS = b'CLIENT_ERROR options flags are too long\r\n'
OPAQUE_TOO_LONG = b'CLIENT_ERROR opaque token too long\r\n'
BAD_KEY_ENCODING = b'CLIENT_ERROR error decoding key\r\n'
BAD_STORE_MODE = b'CLIENT_ERROR invalid mode for ms M token\r\n'
BAD_ARITHMETIC_MODE = b'CLIENT_ERROR invalid mode for ma M token\r\n'

# Each known flag with an argument it takes; 18 are as many as fit on a line of mg.
KNOWN_FLAGS = [b'c', b'C1', b'D1', b'f', b'F1', b'h', b'I', b'J1', b'k', b'l', b'L', b'N0', b'O1', b'P', b'q', b'R1',
               b's', b't', b'T0', b'u', b'v', b'x', b'E1', b'ME']
OWN_CAS = re.compile(rb'(?<= c)\d+')


def masked(request, reply):
    """The reply with the server's own CAS numbers and its idle times made equal to any other."""
    chosen = {b'0', *re.findall(rb' E(\d+)', request)}
    reply = OWN_CAS.sub(lambda match: match[0] if match[0] in chosen else b'#', reply)
    return re.sub(rb'(?<= l)\d+', b'#', reply)


def ms(key, data, *flags):
    return b' '.join([b'ms', key, b'%d' % len(data), *flags]) + b'\r\n' + data + b'\r\n'


def va(data, *flags):
    return b' '.join([b'VA', b'%d' % len(data), *flags]) + b'\r\n' + data + b'\r\n'


def lines(*requests):
    return b''.join(request + b'\r\n' for request in requests)


META_VECTORS = [
    # 9.1.1 Validation, in its order
    *[Vector('9.1.1a', f'{line!r} has too few tokens', line.encode() + b' \r\n', BAD_FORMAT)
      for line in ['mg', 'md', 'ma', 'me', 'ms', 'ms a']],
    *[Vector('9.1.1a', f'ms with {length} for a length leaves the data to be executed',
             b'ms a %s\r\nhi!!\r\nmg a\r\n' % length.encode(), BAD_FORMAT + ERROR + EN)
      for length in ['S2', 'x', '-1', '2147483646', '+2']],
    Vector('9.1.1a', 'a bad length comes before everything else', b'ms %s x v v\r\n' % KEY_251, BAD_FORMAT),
    *[Vector('9.1.1b', f'{name} begins no flag',
             lines(b'mg a ' + flag, b'md a ' + flag, b'ma a ' + flag), BAD_FORMAT * 3)
      for name, flag in [('an exclamation mark', b'!'), ('what comes before A', b'@'), ('what comes after z', b'{'),
                         ('what comes after 9', b':'), ('what comes before 0', b'/'), ('a sign', b'-1'),
                         ('a byte above 127', b'\xe9')]],
    Vector('9.1.1b', 'ms with something that is no flag leaves the data to be executed',
           b'ms a 2 !\r\nhi!!\r\n', BAD_FORMAT + ERROR),
    Vector('9.1.1b', 'what lies between the letters begins flags, if none that is known',
           lines(b'mg a [', b'mg a `', b'mg a _'), INVALID_FLAG * 3),
    Vector('9.1.1c', 'a key of 250 bytes is accepted by all',
           ms(KEY_250, b'1') + lines(b'mg %s v' % KEY_250, b'ma %s v' % KEY_250, b'md ' + KEY_250, b'me ' + KEY_250),
           HD + va(b'1') + va(b'2') + HD + EN),
    Vector('9.1.1c', 'a key of 251 bytes is malformed',
           lines(b'mg %s v v' % KEY_251, b'md ' + KEY_251, b'me ' + KEY_251), BAD_FORMAT * 3),
    Vector('9.1.1c', 'a key of 251 bytes is an invalid flag to ma', lines(b'ma ' + KEY_251), INVALID_OR_DUPLICATE),
    Vector('9.1.1c', 'ms with a key of 251 bytes swallows the data', ms(KEY_251, b'hi') + lines(b'mn'),
           BAD_FORMAT + MN),
    Vector('9.1.1d', '18 flags are not too many for mg', lines(b'mg a ' + b' '.join(KNOWN_FLAGS[:18])),
           b'HD c# f0 h0 ka l# O1 s0 t-1 W\r\n'),
    Vector('9.1.1d', '19 flags are too many for mg md ma',
           lines(*[verb + b' a ' + b' '.join([b'v'] * 19) for verb in [b'mg', b'md', b'ma']]), TOO_MANY_FLAGS * 3),
    Vector('9.1.1d', '17 flags are not too many for ms', ms(b'a', b'hi', *KNOWN_FLAGS[2:14], *KNOWN_FLAGS[15:20]),
           b'HD ka O1 s2\r\n'),
    Vector('9.1.1d', '18 flags are too many for ms, which swallows the data',
           ms(b'a', b'hi', *[b'v'] * 18) + lines(b'mn'), TOO_MANY_FLAGS + MN),
    Vector('9.1.1e', 'the same flag twice is refused', lines(b'mg a v v', b'md a q q', b'mg a O1 O2') +
           ms(b'a', b'hi', b'T0', b'T0'), DUPLICATE_FLAG * 4),
    *[Vector('9.1.1e', f'{flag} is an unknown flag', lines(b'mg a ' + flag.encode(), b'md a ' + flag.encode()) +
             ms(b'a', b'hi', flag.encode()) + lines(b'mn'), INVALID_FLAG * 3 + MN)
      for flag in ['S', 'S2', 'i', 'a', 'z', 'Y', 'W', 'X', 'Z', '5', 'noreply', 'A', 'G', 'g', 'y']],
    *[Vector('9.1.1e', f'{flag} is malformed', lines(b'mg a ' + flag.encode(), b'md a ' + flag.encode()) +
             ms(b'a', b'hi', flag.encode()) + lines(b'mn'), error * 3 + MN)
      for flag, error in [('T', BAD_TOKEN), ('Tx', BAD_TOKEN), ('T1x', BAD_TOKEN), ('T4294967296', BAD_TOKEN), ('T-2147483649', BAD_TOKEN),
                          ('N', BAD_TOKEN), ('Nx', BAD_TOKEN), ('R', BAD_TOKEN), ('R+1', BAD_TOKEN),
                          ('C', BAD_TOKEN), ('C-1', BAD_TOKEN), ('C18446744073709551616', BAD_TOKEN),
                          ('E', BAD_TOKEN), ('Ex', BAD_TOKEN), ('D', BAD_DELTA_VALUE), ('D-1', BAD_DELTA_VALUE),
                          ('J', BAD_INITIAL_VALUE), ('Jx', BAD_INITIAL_VALUE), ('F', BAD_FORMAT), ('F-1', BAD_FORMAT),
                          ('F4294967296', BAD_FORMAT)]],
    Vector('9.1.1e', 'an unknown flag wins over a malformed argument before it', lines(b'mg a Tx Y'), INVALID_FLAG),
    Vector('9.1.1e', 'a duplicate flag wins over a malformed argument before it', lines(b'mg a Tx v v'),
           DUPLICATE_FLAG),
    Vector('9.1.1e', 'of two fatal errors the first wins', lines(b'mg a v v Y', b'mg a Y v v'),
           DUPLICATE_FLAG + INVALID_FLAG),
    Vector('9.1.1e', 'of malformed arguments the last one is told', lines(b'mg a Tx Dx', b'mg a Dx Tx'),
           BAD_DELTA_VALUE + BAD_TOKEN),
    Vector('9.1.1e', 'every error in a flag of ma is the same',
           lines(b'ma n v v', b'ma n Dx', b'ma n Y', b'ma n T', b'ma n5 O' + b'x' * 32, b'ma Zm9 b'),
           INVALID_OR_DUPLICATE * 6),
    Vector('9.1.1', 'errors are sent though q is given', lines(b'mg a q Y', b'md a q T', b'ma a q Mx') +
           b'ms a 2 q\r\nhixx', INVALID_FLAG + BAD_TOKEN + BAD_ARITHMETIC_MODE + BAD_CHUNK),

    # 9.1.2 … 9.1.7
    Vector('9.1.2', 'a flag that takes no argument ignores one',
           store(b'a', b'1') + lines(b'mg a kfoo vbar t9 s1'), STORED + va(b'1', b'ka', b't-1', b's1')),
    Vector('9.1.2', 'only the first letter of a mode counts', ms(b'a', b'1', b'MEE') + ms(b'a', b'1', b'MES'), HD + NS),
    Vector('9.1.3', 'flags that a command does not use are accepted',
           store(b'a', b'1') + lines(b'mg a x', b'mg a I', b'mg a Mx', b'mg a D5 J5 F5 C99', b'mg a') +
           ms(b'a', b'hi', b'h', b'v', b't', b'f', b'l', b'u', b'x', b'R5', b'D5', b'J5') +
           lines(b'ma n N0 x I f s h l u R3 F3') + lines(b'md a v t s f h l u c R3 D3 J3 N3 Mx'),
           STORED + HD * 5 + HD + HD + HD),
    Vector('9.1.4', 'P and L are accepted with any argument and ignored',
           ms(b'a', b'hi', b'Pxx', b'L') + lines(b'mg a P Lfoo v', b'ma n N0 P1 L2', b'md a L P'),
           HD + va(b'hi') + HD + HD),
    Vector('9.1.5', 'the opaque comes back', ms(b'a', b'hi', b'Oabc') + lines(b'mg a O123', b'mg a O', b'md a O!=%'),
           b'HD Oabc\r\nHD O123\r\nHD O\r\nHD O!=%\r\n'),
    Vector('9.1.5', 'an opaque of 31 bytes comes back', lines(b'mg a O' + b'x' * 31, b'md a O' + b'x' * 31),
           b'EN O' + b'x' * 31 + b'\r\nNF O' + b'x' * 31 + b'\r\n'),
    Vector('9.1.5', 'an opaque of 32 bytes is too long', lines(b'mg a O' + b'x' * 32, b'md a O' + b'x' * 32) +
           ms(b'a', b'hi', b'O' + b'x' * 32), OPAQUE_TOO_LONG * 3),
    Vector('9.1.5', 'an opaque that is too long is told of last',
           lines(b'mg a Tx O' + b'x' * 32, b'mg a O' + b'x' * 32 + b' Tx', b'mg Zm9 O' + b'x' * 32 + b' b') +
           ms(b'a', b'hi', b'Fx', b'O' + b'x' * 32) + ms(b'a', b'hi', b'O' + b'x' * 32, b'Mx'),
           BAD_TOKEN * 2 + BAD_KEY_ENCODING + BAD_FORMAT + BAD_STORE_MODE),
    Vector('9.1.5', 'an opaque that is too long is refused before anything is done',
           store(b'a', b'1') + lines(b'mg a T-1 O' + b'x' * 32, b'md a O' + b'x' * 32, b'mg a v'),
           STORED + OPAQUE_TOO_LONG * 2 + va(b'1')),
    Vector('9.1.6', 'a binary key comes back as base64 with a b of its own',
           ms(b'Zm9v', b'hi', b'b', b'k') + lines(b'mg Zm9v b k O1', b'ma bjE= b N0 k', b'md Zm9v k b', b'mg Zm9v b k'),
           b'HD kZm9v b\r\nHD kZm9v b O1\r\nHD kbjE= b\r\nHD kZm9v b\r\nEN kZm9v b\r\n'),
    Vector('9.1.6', 'on a hit the item knows whether its key is binary, on a miss the request',
           ms(b'Zm9v', b'hi', b'b') + store(b'bar', b'1') +
           lines(b'mg foo k', b'mg YmFy b k', b'mg YmF6 b k', b'mg baz k'),
           HD + STORED + b'HD kZm9v b\r\nHD kbar\r\nEN kYmF6 b\r\nEN kbaz\r\n'),
    Vector('9.1.7', 'q hides a miss of mg and nothing else of it',
           lines(b'mg a q', b'mg a q v k', b'mn') + store(b'a', b'1') + lines(b'mg a q', b'mg a q v'),
           MN + STORED + HD + va(b'1')),
    Vector('9.1.7', 'q hides what ms has done and nothing else of it',
           ms(b'a', b'hi', b'q') + ms(b'a', b'hi', b'ME', b'q') + ms(b'b', b'hi', b'MR', b'q') +
           ms(b'a', b'hi', b'C1', b'q') + ms(b'b', b'hi', b'C1', b'q') + lines(b'mn'), NS * 2 + EX + NF + MN),
    Vector('9.1.7', 'q hides what md has done and nothing else of it',
           store(b'a', b'1') + lines(b'md a C1 q', b'md a q', b'md a q', b'mn'), STORED + EX + NF + MN),
    Vector('9.1.7', 'q hides what ma has done, also with v, and nothing else of it',
           store(b'a', b'1') + store(b'b', b'x') +
           lines(b'ma a q', b'ma a q v', b'ma a C1 q', b'ma c q', b'ma b q', b'mn', b'mg a v'),
           STORED * 2 + EX + NF + NON_NUMERIC + MN + va(b'3')),
    Vector('9.1.7', 'q does not hide that ma has created', lines(b'ma a q N0 k', b'ma b q N0 J5 v', b'ma b q', b'mg b v'),
           b'HD ka\r\n' + va(b'5') + va(b'6')),
    Vector('6.3', 'noreply is an invalid flag', lines(b'mg a noreply', b'md a noreply'), INVALID_FLAG * 2),

    # 3.3, 3.4 Binary keys
    Vector('3.3', 'a key that is no base64 is refused',
           lines(b'mg Zm9 b', b'mg Zm9v= b', b'mg = b', b'md Z*9v b', b'mg ==== b') + ms(b'Zm9', b'hi', b'b') +
           lines(b'mn'), BAD_KEY_ENCODING * 6 + MN),
    Vector('3.3', 'a decoded key may hold any bytes',
           ms(b'AAogDf8=', b'hi', b'b') + lines(b'mg AAogDf8= b k v'), HD + va(b'hi', b'kAAogDf8=', b'b')),
    Vector('3.3', 'an encoded key of 248 bytes stands for one of 186',
           ms(b'QUFB' * 62, b'hi', b'b') + lines(b'mg %s v k' % (b'AAA' * 62)),
           HD + va(b'hi', b'k' + b'QUFB' * 62, b'b')),
    Vector('3.4', 'a key is the same, however it is addressed',
           ms(b'Zm9v', b'hi', b'b', b'k') + lines(b'get foo', b'mg foo k'),
           b'HD kZm9v b\r\n' + value(b'foo', b'hi') + END + b'HD kZm9v b\r\n'),
    Vector('3.4', 'the mark goes with the next store',
           ms(b'Zm9v', b'1', b'b') + store(b'foo', b'2') + lines(b'mg Zm9v b k') + ms(b'Zm9v', b'1', b'b') +
           lines(b'mg foo k') + ms(b'foo', b'2') + lines(b'mg foo k'),
           HD + STORED + b'HD kfoo\r\n' + HD + b'HD kZm9v b\r\n' + HD + b'HD kfoo\r\n'),
    Vector('17.2', 'mg and ma that create keep the mark',
           lines(b'mg Zm9v b N30', b'mg foo k', b'ma bjE= b N0', b'mg n1 k'),
           b'HD W\r\nHD kZm9v b Z\r\n' + HD + b'HD kbjE= b\r\n'),

    # 9.2 mg
    Vector('9.2', 'a hit without v is HD, with v the value, a miss EN',
           store(b'a', b'hi', 5) + lines(b'mg a', b'mg a v', b'mg b', b'mg b v s t f c h l'),
           STORED + HD + va(b'hi') + EN * 2),
    Vector('9.2', 'a miss tells opaque and key, in the order asked for', lines(b'mg miss v k O123', b'mg miss O1 t k'),
           b'EN kmiss O123\r\nEN O1 kmiss\r\n'),
    Vector('9.2', 'flags are answered in the order asked for',
           ms(b'a', b'hi', b'T100', b'F5') + lines(b'mg a s v t f k h l', b'mg a l h k f t v s'),
           HD + va(b'hi', b's2', b't100', b'f5', b'ka', b'h0', b'l#') +
           va(b'hi', b'l#', b'h1', b'ka', b'f5', b't100', b's2')),
    Vector('9.2', 'an item that never expires has t-1', store(b'a', b'1') + lines(b'mg a t'), STORED + b'HD t-1\r\n'),
    Vector('9.2', 'u leaves no trace', store(b'a', b'1') + lines(b'mg a u', b'mg a u h', b'mg a h', b'mg a h'),
           STORED + HD + b'HD h0\r\nHD h0\r\nHD h1\r\n'),
    Vector('9.2', 'classic get fetches, too', store(b'a', b'1') + lines(b'get a', b'mg a h'),
           STORED + value(b'a', b'1') + END + b'HD h1\r\n'),
    Vector('9.2', 'T takes effect in the order of flags',
           ms(b'a', b'hi', b'T100') + lines(b'mg a T30 t', b'mg a t T50', b'mg a t', b'mg a T0 t'),
           HD + b'HD t30\r\nHD t30\r\nHD t50\r\nHD t-1\r\n'),
    Vector('9.2', 'T with a negative time ends the item', ms(b'a', b'hi') + lines(b'mg a T-1 v', b'mg a'),
           HD + va(b'hi') + EN),
    Vector('4.2', 'an item past its deadline has t0', ms(b'a', b'hi') + lines(b'mg a T-1 t', b'mg a'),
           HD + b'HD t0\r\n' + EN),
    Vector('9.2', 'C with the number of the item withholds the value',
           ms(b'a', b'hi', b'E1000') + lines(b'mg a C1000 v s c', b'mg a C999 v s c'),
           HD + b'HD s2 c1000\r\n' + va(b'hi', b's2', b'c1000')),
    Vector('9.2', 'N creates an empty item for one winner', lines(b'mg v1 v N30 t', b'mg v1 v t', b'mg v1 N30 s'),
           va(b'', b't30', b'W') + va(b'', b't30', b'Z') + b'HD s0 Z\r\n'),
    Vector('9.2', 'N0 creates an item that never expires', lines(b'mg v1 N0 t', b'mg v1 t'),
           b'HD t-1 W\r\nHD t-1 Z\r\n'),
    Vector('9.2', 'N of an item that is there does nothing', ms(b'a', b'hi') + lines(b'mg a N30 t v'),
           HD + va(b'hi', b't-1')),
    Vector('9.2', 'N with T creates an item with the time of T', lines(b'mg k N30 T60 t v', b'mg k t'),
           va(b'', b't60', b'W') + b'HD t60 Z\r\n'),
    Vector('9.2', 'N comes before T and t', lines(b'mg a T60 N30 t', b'mg b t N30', b'ma c t T60 N30', b'mg c t'),
           b'HD t60 W\r\nHD t30 W\r\nHD t30\r\nHD t60\r\n'),
    Vector('9.2', 'E is the number of an item that N creates', lines(b'mg v1 N30 E77 c', b'mg v1 E88 c'),
           b'HD c77 W\r\nHD c77 Z\r\n'),
    Vector('9.2', 'a created item is there for everyone', lines(b'mg v1 N30', b'get v1', b'incr v1 1') +
           b'add v1 0 0 1\r\n1\r\n' + ms(b'v1', b'1', b'ME'),
           b'HD W\r\n' + value(b'v1', b'') + END + NON_NUMERIC + b'NOT_STORED\r\n' + NS),
    Vector('9.2', 'a store ends the win', lines(b'mg v1 N30') + ms(b'v1', b'hi') + lines(b'mg v1 v'),
           b'HD W\r\n' + HD + va(b'hi')),
    Vector('9.2', 'R wins when less is left than it says, once',
           ms(b'r', b'x', b'T20') + lines(b'mg r R20 v', b'mg r R21 v', b'mg r R21 v'),
           HD + va(b'x') + va(b'x', b'W') + va(b'x', b'Z')),
    Vector('9.2', 'R wins no item that never expires', ms(b'r', b'x') + lines(b'mg r R2147483647'), HD * 2),
    Vector('9.2', 'R may be any number of seconds',
           ms(b'r', b'x', b'T2147483647') + lines(b'mg r R3000000', b'mg r R2147483647'), HD * 2 + b'HD W\r\n'),
    Vector('9.2', 'R of 0 and less never wins', ms(b'r', b'x', b'T1') + lines(b'mg r R0', b'mg r R-5'), HD * 3),
    Vector('9.2', 'a stale item is won by its first reader',
           ms(b'a', b'hi') + lines(b'md a I', b'mg a v', b'mg a v', b'mg a'),
           HD * 2 + va(b'hi', b'X', b'W') + va(b'hi', b'Z', b'X') + b'HD Z X\r\n'),
    Vector('9.2', 'what is printed comes before Z X W', ms(b'a', b'hi') + lines(b'md a I', b'mg a s k', b'mg a k s'),
           HD * 2 + b'HD s2 ka X W\r\nHD ka s2 Z X\r\n'),
    Vector('9.2', 'classic get and gat neither win nor are told',
           ms(b'a', b'hi') + lines(b'md a I', b'get a', b'gat 0 a', b'mg a'),
           HD * 2 + (value(b'a', b'hi') + END) * 2 + b'HD X W\r\n'),
    *[Vector('9.2', f'{name} makes a stale and won item a fresh one',
             ms(b'a', b'1') + lines(b'md a I', b'mg a') + request + lines(b'mg a v'),
             HD * 2 + b'HD X W\r\n' + reply + va(after))
      for name, request, reply, after in [
          ('set', store(b'a', b'2'), STORED, b'2'), ('ms', ms(b'a', b'2'), HD, b'2'),
          ('append', b'append a 0 0 1\r\n2\r\n', STORED, b'12'), ('ms MP', ms(b'a', b'2', b'MP'), HD, b'21'),
          ('ms MR', ms(b'a', b'2', b'MR'), HD, b'2'), ('delete and add', b'delete a\r\nadd a 0 0 1\r\n2\r\n',
                                                      b'DELETED\r\n' + STORED, b'2')]],
    *[Vector('9.2', f'{name} leaves a stale and won item as it is',
             ms(b'a', b'1') + lines(b'md a I', b'mg a') + request + lines(b'mg a'),
             HD * 2 + b'HD X W\r\n' + reply + b'HD Z X\r\n')
      for name, request, reply in [
          ('incr', b'incr a 1\r\n', b'2\r\n'), ('ma', b'ma a\r\n', HD), ('touch', b'touch a 100\r\n', TOUCHED),
          ('mg T', b'mg a T50\r\n', b'HD Z X\r\n')]],

    # 9.3 ms
    Vector('9.3', 'what is asked for is told in request order',
           ms(b'a', b'hi', b'T0', b'F5', b'c', b'k', b'O9', b's') + lines(b'get a'),
           b'HD c# ka O9 s2\r\n' + value(b'a', b'hi', 5) + END),
    Vector('9.3', 'a value may be empty', ms(b'a', b'', b's') + lines(b'mg a v'), b'HD s0\r\n' + va(b'')),
    Vector('9.3', 'T sets the expiry', ms(b'a', b'hi', b'T90') + lines(b'mg a t'), HD + b'HD t90\r\n'),
    Vector('9.3', 'a time in the past stores nothing and removes the old item',
           ms(b'a', b'hi') + ms(b'a', b'ho', b'T-1') + lines(b'mg a'), HD * 2 + EN),
    Vector('9.3', 'what is past has the number 0', ms(b'a', b'hi', b'T-1', b'c') + lines(b'mg a N-1 c'),
           b'HD c0\r\nHD c0 W\r\n'),
    Vector('9.3', 'what is appended with b marks the item',
           store(b'foo', b'1') + ms(b'Zm9v', b'2', b'MA', b'b') + lines(b'mg foo k v'),
           STORED + HD + va(b'12', b'kZm9v', b'b')),
    Vector('9.3', 'the modes decide by what is there',
           ms(b'a', b'1', b'MR') + ms(b'a', b'1', b'MA') + ms(b'a', b'1', b'MP') + ms(b'a', b'1', b'ME') +
           ms(b'a', b'2', b'ME') + ms(b'a', b'3', b'MS') + ms(b'a', b'4', b'MR') + ms(b'a', b'5', b'MA', b's') +
           ms(b'a', b'6', b'MP', b's') + lines(b'mg a v'),
           NS * 3 + HD + NS + HD * 2 + b'HD s2\r\nHD s3\r\n' + va(b'645')),
    *[Vector('9.3', f'mode {mode!r} is none, and the data is swallowed', ms(b'a', b'hi', b'M' + mode.encode()) +
             lines(b'mn'), BAD_STORE_MODE + MN)
      for mode in ['x', 's', 'I', '']],
    Vector('9.3', 'append and prepend keep flags and expiry', ms(b'a', b'hi', b'T100', b'F5') +
           ms(b'a', b'!', b'MA', b'T7', b'F7') + lines(b'mg a v t f'), HD * 2 + va(b'hi!', b't100', b'f5')),
    Vector('9.3', 'N lets append create, with its own time',
           ms(b'b', b'hi', b'MA', b'N30', b's') + ms(b'b', b'hi', b'MA', b's') + lines(b'mg b t') +
           ms(b'c', b'hi', b'MP', b'N40', b'T50', b'F5') + lines(b'mg c t f v'),
           b'HD s2\r\nHD s4\r\nHD t30\r\n' + HD + va(b'hi', b't40', b'f5')),
    Vector('9.3', 'a store that fails tells the size sent and the number 0',
           ms(b'a', b'hi', b'E9') + ms(b'a', b'hello', b'C99999', b'c', b'k', b's') +
           ms(b'a', b'hello', b'ME', b's', b'c', b'O1'),
           HD + b'EX c0 ka s5\r\nNS s5 c0 O1\r\n'),
    Vector('9.3', 'C compares as cas does',
           ms(b'a', b'1', b'C5') + ms(b'a', b'1', b'E5') + ms(b'a', b'2', b'C0') + ms(b'a', b'2', b'C6') +
           ms(b'a', b'2', b'C5', b'E6') + ms(b'a', b'3', b'C6', b'MR') + ms(b'z', b'3', b'C6', b'MR') +
           lines(b'mg a v'),
           NF + HD + EX * 2 + HD * 2 + NF + va(b'3')),
    Vector('9.3', 'C with append compares unless it is 0',
           ms(b'a', b'1', b'MA', b'C5') + ms(b'a', b'1', b'E5') + ms(b'a', b'2', b'MA', b'C6') +
           ms(b'a', b'2', b'MA', b'C0', b'E7') + ms(b'a', b'3', b'MP', b'C7') + ms(b'b', b'3', b'MP', b'C7', b'N0') +
           lines(b'mg a v'), NS + HD + EX + HD * 3 + va(b'312')),
    Vector('9.3', 'C with E is not looked at', ms(b'a', b'1', b'ME', b'C5') + ms(b'a', b'1', b'ME', b'C5'), HD + NS),
    Vector('5.7', 'E chooses the number of the item, 0 does not',
           ms(b'e', b'hi', b'E1000', b'c') + ms(b'e', b'ho', b'C1000', b'E2000', b'c') +
           ms(b'e', b'ha', b'E18446744073709551615', b'c') + ms(b'e', b'ha', b'E0', b'c'),
           b'HD c1000\r\nHD c2000\r\nHD c18446744073709551615\r\nHD c#\r\n'),
    Vector('9.3', 'I stores an older value as stale',
           ms(b'e', b'ho', b'E2000', b'T100') + ms(b'e', b'st', b'C1500', b'I', b'T50') +
           lines(b'mg e v t', b'mg e v'), HD * 2 + va(b'st', b't100', b'X', b'W') + va(b'st', b'Z', b'X')),
    Vector('9.3', 'I stores no newer value, and changes nothing without C',
           ms(b'e', b'ho', b'E2000') + ms(b'e', b'st', b'C2001', b'I') + lines(b'mg e v') +
           ms(b'e', b'st', b'I') + lines(b'mg e v'), HD + EX + va(b'ho') + HD + va(b'st')),
    Vector('9.3', 'C0 is no older number, and I does not help it',
           ms(b'a', b'1') + ms(b'a', b'2', b'C0', b'I') + ms(b'a', b'2', b'MR', b'C0', b'I') + lines(b'mg a v'),
           HD + EX * 2 + va(b'1')),
    Vector('9.3', 'I keeps the win that is out',
           ms(b'e', b'ho', b'E2000', b'T10') + lines(b'mg e R20') + ms(b'e', b'st', b'C1500', b'I') + lines(b'mg e v'),
           HD + b'HD W\r\n' + HD + va(b'st', b'Z', b'X')),
    Vector('9.3', 'a bad data chunk is told without flags', b'ms a 2 k O1 q\r\nhixx', BAD_CHUNK),
    Vector('5.2', 'a value that is too large is refused, and what it was to replace removed',
           ms(b'a', b'1') + b'ms a 1100000 q O1\r\n' + b'x' * 1100000 + b'\r\n' + lines(b'mg a'), HD + TOO_LARGE + EN),

    # 9.4 md
    Vector('9.4', 'md removes an item once, and tells key and opaque each time',
           ms(b'a', b'1') + lines(b'md a k O3', b'md a k O3', b'mg a'), HD + b'HD ka O3\r\nNF ka O3\r\n' + EN),
    Vector('9.4', 'C of md compares, and 0 is never equal',
           ms(b'a', b'1', b'E5') + lines(b'md a C4 O1 k', b'md a C0', b'md a C5', b'md a C5'),
           HD + b'EX O1 ka\r\n' + EX + HD + NF),
    Vector('9.4', 'T alone is ignored by md', ms(b'a', b'1') + lines(b'md a T30', b'mg a'), HD * 2 + EN),
    Vector('9.4', 'I keeps the item as stale, with a new number and expiry',
           ms(b'a', b'hi', b'T100', b'E5') + lines(b'md a I T30', b'mg a v t', b'mg a v t', b'md a C5', b'md a I',
                                                  b'mg a t', b'md a I E9', b'mg a c'),
           HD * 2 + va(b'hi', b't30', b'X', b'W') + va(b'hi', b't30', b'Z', b'X') + EX + HD + b'HD t30 X W\r\n' + HD +
           b'HD c9 X W\r\n'),
    Vector('9.4', 'x leaves an empty item with the same number',
           ms(b'a', b'hi', b'F7', b'T100', b'E5') + lines(b'md a x', b'mg a v f s t c', b'md a x F3 T20 E6',
                                                         b'mg a f t c'),
           HD * 2 + va(b'', b'f0', b's0', b't-1', b'c5') + HD + b'HD f3 t20 c6\r\n'),
    Vector('9.4', 'x ends being stale and won', ms(b'a', b'hi') + lines(b'md a I', b'mg a', b'md a x', b'mg a'),
           HD * 2 + b'HD X W\r\n' + HD * 2),
    Vector('9.4', 'x with I is empty and stale',
           ms(b'a', b'hi', b'E5') + lines(b'md a x I T30', b'mg a v t', b'md a C5'),
           HD * 2 + va(b'', b't30', b'X', b'W') + EX),

    # 9.5 ma
    Vector('9.5', 'ma counts up by 1 unless told otherwise',
           store(b'n', b'5') + lines(b'ma n v', b'ma n D10 v', b'ma n MI v', b'ma n M+ v', b'ma n MD v',
                                     b'ma n M- D2 v', b'ma n MD D100 v', b'ma n'),
           STORED + va(b'6') + va(b'16') + va(b'17') + va(b'18') + va(b'17') + va(b'15') + va(b'0') + HD),
    Vector('9.5', 'ma wraps at 64 bit', store(b'n', U64_MAX) + lines(b'ma n v', b'ma n D%s v' % U64_MAX),
           STORED + va(b'0') + va(U64_MAX)),
    *[Vector('9.5', f'mode {mode!r} is none of ma', lines(b'ma n M' + mode.encode()), BAD_ARITHMETIC_MODE)
      for mode in ['i', 'd', 'x', 'S', '']],
    Vector('9.5', 'N creates, without applying the delta',
           lines(b'ma n', b'ma n N0 v', b'ma n v', b'ma n2 N60 J13 D5 v t', b'ma n2 T90 t v', b'ma n3 J13', b'mg n t'),
           NF + va(b'0') + va(b'1') + va(b'13', b't60') + va(b'14', b't90') + NF + b'HD t-1\r\n'),
    Vector('9.5', 'T of ma takes effect in the order of flags',
           lines(b'ma n N10 t', b'ma n t T60', b'ma n t', b'ma m N30 T60 t', b'mg m t'),
           b'HD t10\r\nHD t10\r\nHD t60\r\nHD t60\r\nHD t60\r\n'),
    Vector('9.5', 'C of ma compares unless it is 0; E chooses the number',
           ms(b'n', b'5', b'E5') + lines(b'ma n C4 q k O5', b'ma n C0 E6 v c', b'ma n C6 E7 c', b'ma n C6', b'ma n c'),
           HD + b'EX kn O5\r\n' + va(b'6', b'c6') + b'HD c7\r\n' + EX + b'HD c#\r\n'),
    Vector('9.5', 'C of ma comes before the value', ms(b'a', b'') + lines(b'ma a C4000000000', b'ma a'),
           HD + EX + NON_NUMERIC),
    Vector('9.5', 'T of ma counts when the number grows', store(b'n', b'9') + lines(b'ma n T1000', b'mg n t v'),
           STORED + HD + va(b'10', b't1000')),
    Vector('9.5', 'NF tells key and opaque only', lines(b'ma n t c v k O1'), b'NF kn O1\r\n'),
    Vector('9.5', 'ma keeps flags', ms(b'n', b'9', b'F5') + lines(b'ma n v', b'mg n f v'), HD + va(b'10') +
           va(b'10', b'f5')),
    Vector('9.5', 'ma of no number is refused', store(b'n', b'abc') + lines(b'ma n k O1'), STORED + NON_NUMERIC),

    # 9.6 me, mn
    Vector('9.6', 'me of a missing key is EN', lines(b'me a', b'me a v O1 !', b'me Zm9v b'), EN * 3),
    Vector('9.6', 'me refuses a key that is no base64', lines(b'me Zm9 b'), BAD_KEY_ENCODING),

    # 18. The conformance vectors, in their order
    Vector('18', 'mn', lines(b'mn'), MN),
    Vector('18', 'gat and mg t', store(b'a', b'1', 3) + lines(b'gat 50 a b', b'mg a t'),
           STORED + value(b'a', b'1', 3) + END + b'HD t50\r\n'),
    Vector('18', 'mg miss', lines(b'mg miss v k O123'), b'EN kmiss O123\r\n'),
    Vector('18', 'mg miss q', lines(b'mg miss q', b'mn'), MN),
    Vector('18', 'ms with everything, mg with everything',
           b'ms a 2 T0 F5 c k O9 s\r\nhi\r\n' + lines(b'mg a s v t f k h l'),
           b'HD c# ka O9 s2\r\nVA 2 s2 t-1 f5 ka h0 l#\r\nhi\r\n'),
    Vector('18', 'mg v v', lines(b'mg a v v'), DUPLICATE_FLAG),
    Vector('18', 'mg !', lines(b'mg a !'), BAD_FORMAT),
    Vector('18', 'mg 5 and mg Y', lines(b'mg a 5', b'mg a Y'), INVALID_FLAG * 2),
    Vector('18', 'mg T', lines(b'mg a T'), BAD_TOKEN),
    Vector('18', 'mg with an opaque of 32 bytes', lines(b'mg a O' + b'x' * 32), OPAQUE_TOO_LONG),
    Vector('18', 'ms S2', b'ms a S2\r\nhi\r\n', BAD_FORMAT + ERROR),
    Vector('18', 'ms Mx', b'ms a 2 Mx\r\nhi\r\n', BAD_STORE_MODE),
    Vector('18', 'ms MA of nothing', b'ms b 2 MA\r\nhi\r\n', NS),
    Vector('18', 'ms MA N30', b'ms b 2 MA N30 s\r\nhi\r\nms b 2 MA s\r\nhi\r\n', b'HD s2\r\nHD s4\r\n'),
    Vector('18', 'ms C99999', ms(b'a', b'1') + b'ms a 2 C99999 c k\r\nhi\r\n', HD + b'EX c0 ka\r\n'),
    Vector('18', 'ms C5 of nothing', b'ms nope 2 C5\r\nhi\r\n', NF),
    Vector('18', 'ms q, and ms q that fails', b'ms a 2 q\r\nhi\r\nms zz 1 MR q\r\nX\r\nmn\r\n', NS + MN),
    Vector('18', 'ms E, and ms C I', b'ms e 2 E1000\r\nhi\r\nms e 2 C1000 E2000 c\r\nho\r\n'
           b'ms e 2 C1500 I\r\nst\r\nmg e v\r\nmg e v\r\n',
           b'HD\r\nHD c2000\r\nHD\r\nVA 2 X W\r\nst\r\nVA 2 Z X\r\nst\r\n'),
    Vector('18', 'md twice', ms(b'a', b'1') + lines(b'md a k O3', b'md a k O3'), HD + b'HD ka O3\r\nNF ka O3\r\n'),
    Vector('18', 'md q', lines(b'md a q', b'mn'), NF + MN),
    Vector('18', 'md I T30', b'ms a 2 T100\r\nhi\r\n' + lines(b'md a I T30', b'mg a v t', b'mg a v t'),
           b'HD\r\nHD\r\nVA 2 t30 X W\r\nhi\r\nVA 2 t30 Z X\r\nhi\r\n'),
    Vector('18', 'md x', b'ms a 2 F7\r\nhi\r\n' + lines(b'md a x', b'mg a v f s'),
           b'HD\r\nHD\r\nVA 0 f0 s0\r\n\r\n'),
    Vector('18', 'mg N30', lines(b'mg v1 v N30 t', b'mg v1 v t'), b'VA 0 t30 W\r\n\r\nVA 0 t30 Z\r\n\r\n'),
    Vector('18', 'mg R20 and R21', b'ms r 1 T20\r\nx\r\n' + lines(b'mg r R20 v', b'mg r R21 v', b'mg r R21 v'),
           b'HD\r\nVA 1\r\nx\r\nVA 1 W\r\nx\r\nVA 1 Z\r\nx\r\n'),
    Vector('18', 'ma and ma N0', lines(b'ma n', b'ma n N0 v', b'ma n v'), b'NF\r\nVA 1\r\n0\r\nVA 1\r\n1\r\n'),
    Vector('18', 'ma N60 J13', lines(b'ma n2 N60 J13 v t', b'ma n2 T90 t v'), b'VA 2 t60\r\n13\r\nVA 2 t90\r\n14\r\n'),
    Vector('18', 'ma MD D100', ms(b'n', b'1') + lines(b'ma n MD D100 v'), HD + b'VA 1\r\n0\r\n'),
    Vector('18', 'ma Mi', lines(b'ma n Mi'), BAD_ARITHMETIC_MODE),
    Vector('18', 'ma v v and ma Dx', lines(b'ma n v v', b'ma n Dx'), INVALID_OR_DUPLICATE * 2),
    Vector('18', 'ma C1', ms(b'n', b'1', b'E7') + lines(b'ma n C1 q k O5'), HD + b'EX kn O5\r\n'),
    Vector('18', 'ms b', b'ms Zm9v 2 b k\r\nhi\r\nget foo\r\nmg foo k\r\n',
           b'HD kZm9v b\r\nVALUE foo 0 2\r\nhi\r\nEND\r\nHD kZm9v b\r\n'),
    Vector('18', 'mg Zm9 b', lines(b'mg Zm9 b'), BAD_KEY_ENCODING),
]
