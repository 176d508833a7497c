"""Words too common to rank by, a language a list, as they read after lower-casing.

English is Lucene's list; the others are articles, prepositions, conjunctions and the forms
of *to be* and *to have*.
"""

from __future__ import annotations

from typing import Final

_LISTS: Final = {
    "en": """a an and are as at be but by for if in into is it no not of on or such that the
        their then there these they this to was will with""",
    "de": """aber als am an auch auf aus bei bin bis das dass dein dem den der des die dies doch
        du durch ein eine einem einen einer eines er es für hat ich ihr ihre im in ist ja kein
        man mit nach nicht noch nur ob oder sein sich sie sind so um und uns unter vom von vor
        war was wenn wer wie wir wird zu zum zur""",
    "fr": """au aux avec ce ces cette dans de des du elle en est et eux il ils je la le les leur
        lui mais me même mes moi mon ne nos notre nous on ou où par pas pour qu que qui sa se
        ses son sont sur ta te tes toi ton tu un une vos votre vous c d j l à m n s t y""",
    "es": """a al ante como con contra cual cuando de del desde donde durante e el ella ellas
        ellos en entre era es esa ese eso esta este esto fue ha han hasta la las le les lo los
        más me mi muy ni no nos o para pero por que qué se ser si sin sobre son su sus también
        te tu un una y ya yo""",
    "it": """a ad agli ai al alla alle anche che chi ci come con cui da dai dal dalla dei del
        della delle di e ed è era gli ha hanno i il in io l la le lei lo loro lui ma mi ne nei
        nel nella no noi non o per perché più quale quando questo se sei si sia sono su sua
        suo sul sulla tra tu un una uno voi""",
    "pt": """a ao aos as até com como da das de dele do dos e é ela elas ele eles em entre era
        essa esse esta este eu foi há isso isto já lhe mais mas me mesmo na nas nem no nos não
        o os ou para pela pelo por qual quando que quem se sem ser seu sua são só também te
        tem um uma você""",
    "nl": """aan al als bij dat de der deze die dit door een en er ge had heb heeft het hij hoe
        hun ik in is je kan maar me men met mij na naar niet nog nu of om onder ons ook op over
        te tot u uit van veel voor want was wat we wel werd wie wij zal ze zich zij zijn zo""",
    "sv": """att av de den det dig du där efter ej ett en er från för ha han har hon i in inte
        jag kan med men min mot nu när och om på sig sin ska som så till under upp ut var vi
        vid är""",
    "ru": """а без более бы был была были было быть в вам вас весь во вот все вы где да даже для
        до его ее если есть еще же за и из или им их к как ко когда кто ли на над не него нет
        ни но о об однако он она они оно от по под при с со так также такой там то только у уже
        чем что чтобы эта эти это я""",
    "tr": """ama bir bu da daha de değil diye en gibi her hem için ile ise ki mi mu ne o olan
        olarak şu ve veya ya""",
    "ar": """في من على إلى عن مع هذا هذه ذلك التي الذي الذين أن إن أو و ثم لا ما لم لن كان كانت
        هو هي هم قد كل بين بعد قبل عند""",
    "hi": """का की के को में से है हैं था थी थे और या पर यह वह ये वे ने कि जो तो भी एक हो ही इस उस
        कर लिए""",
}

STOPWORDS: Final[dict[str, frozenset[str]]] = {
    language: frozenset(words.split()) for language, words in _LISTS.items()
}
