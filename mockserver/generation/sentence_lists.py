"""Sentences of the languages, other than English, in which generated texts are readable.

Each list has sentences of 1 to 9 words, several of each number, so that they make texts of any number of words.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SentenceList:
    """The sentences of one language; `{}` in an opening is a word of the message."""

    topic_openings: tuple[str, ...]
    openings: tuple[str, ...]
    sentences: tuple[str, ...]


GERMAN = SentenceList(
    (
        "Zu „{}“ gibt es drei wichtige Punkte.",
        "Hier ist ein kurzer Überblick zu „{}“.",
        "Beim Thema „{}“ helfen meistens kleine Schritte.",
        "Ein Blick auf „{}“ lohnt sich immer.",
    ),
    (
        "Vielen Dank für Ihre Frage.",
        "Gerne helfe ich Ihnen weiter.",
        "Das ist eine gute Frage.",
        "Hier ist eine kurze Antwort.",
    ),
    (
        "Sicher.", "Vielleicht.", "Sehr gerne.", "Wahrscheinlich ja.", "Das stimmt so.", "Es funktioniert gut.",
        "Das kommt darauf an.", "Es ist ganz einfach.",
        "Ein guter Plan spart Zeit.", "Die Einzelheiten sind hier wichtig.", "Der erste Schritt ist leicht.",
        "Regelmäßige Übung zahlt sich aus.", "Eine kleine Änderung bewirkt sehr viel.",
        "Das Ergebnis hängt vom Einzelfall ab.", "Ein kurzes Beispiel erklärt fast alles.",
        "Gute Vorbereitung hilft in vielen Fällen.", "Eine zweite Meinung kostet nur wenig Zeit.",
        "Der einfachste Weg ist oft der beste.", "Mit etwas Geduld gelingt es fast immer.",
        "Eine Liste der offenen Fragen hilft sofort.", "Am Anfang genügt oft eine ganz einfache Lösung.",
        "Wer früh beginnt, hat am Ende mehr Zeit.", "Der richtige Zeitpunkt ist wichtiger, als man denkt.",
        "In der Praxis ist es meistens etwas schwieriger.", "Eine klare Frage führt schneller zu einer guten Antwort.",
        "Auf lange Sicht macht das die Arbeit viel leichter.",
        "Mit einem klaren Ziel fällt jede Entscheidung viel leichter.",
    ),
)  # fmt: skip
FRENCH = SentenceList(
    (
        "Voici un bref aperçu de “{}”.",
        "Trois points sont importants pour “{}”.",
        "Pour “{}”, il vaut mieux commencer simplement.",
        "Un exemple explique très bien “{}”.",
    ),
    (
        "Merci beaucoup pour votre question.",
        "Je vous aide avec plaisir.",
        "C'est une très bonne question.",
        "Voici une réponse assez courte.",
    ),
    (
        "Certainement.", "Peut-être.", "Avec plaisir.", "Bien sûr.", "Cela fonctionne bien.", "C'est très simple.",
        "Cela dépend du contexte.", "La réponse est oui.",
        "Un bon plan aide beaucoup.", "Les détails sont très importants.", "La première étape est facile.",
        "Un petit changement suffit souvent.", "Une bonne préparation évite des erreurs.",
        "Le résultat dépend surtout du contexte.", "Un exemple rend tout plus clair.",
        "La méthode habituelle donne satisfaction ici.", "Un deuxième avis ne coûte presque rien.",
        "La solution la plus simple fonctionne bien.", "Avec un peu de patience, tout s'arrange.",
        "Une liste de questions aide au début.", "Le choix des mots a beaucoup d'importance ici.",
        "En pratique, cette idée fonctionne assez bien partout.", "Une question claire mène à une bonne réponse.",
        "Il faut un peu de temps au début.", "À long terme, cela rend le travail plus facile.",
        "Il est utile de comparer deux ou trois options.", "Une courte pause permet de voir les choses autrement.",
    ),
)  # fmt: skip
SPANISH = SentenceList(
    (
        "Aquí hay un breve resumen sobre «{}».",
        "Hay tres puntos importantes sobre «{}».",
        "Con «{}» conviene empezar paso a paso.",
        "Un buen ejemplo explica bien «{}».",
    ),
    (
        "Muchas gracias por su pregunta.",
        "Con mucho gusto le ayudo.",
        "Esa es una buena pregunta.",
        "Aquí tiene una respuesta breve.",
    ),
    (
        "Claro.", "Posiblemente.", "Por supuesto.", "Probablemente sí.", "Eso funciona bien.", "Es muy sencillo.",
        "Todo depende del contexto.", "La respuesta es sí.",
        "Un buen plan ahorra tiempo.", "Los detalles son muy importantes.", "El primer paso es fácil.",
        "La práctica regular ayuda mucho.", "Una buena preparación evita muchos errores.",
        "El resultado depende de cada caso.", "Un ejemplo corto lo explica todo.",
        "Un cambio pequeño suele ser suficiente.", "Una segunda opinión cuesta muy poco tiempo.",
        "La solución más sencilla suele funcionar bien.", "Con un poco de paciencia sale bien.",
        "Una lista de preguntas ayuda al principio.", "La elección de las palabras importa mucho aquí.",
        "En la práctica es un poco más difícil.", "Una pregunta clara lleva a una buena respuesta.",
        "El momento adecuado es más importante que todo.", "A largo plazo esto hace el trabajo más fácil.",
        "Es útil comparar dos o tres opciones con calma.", "Una pausa corta permite ver las cosas con claridad.",
    ),
)  # fmt: skip
ITALIAN = SentenceList(
    (
        "Ecco una breve panoramica su «{}».",
        "Ci sono tre punti importanti su «{}».",
        "Per «{}» conviene iniziare con calma.",
        "Un buon esempio spiega bene «{}».",
    ),
    (
        "Grazie mille per la domanda.",
        "La aiuto molto volentieri oggi.",
        "Questa è una buona domanda.",
        "Ecco una risposta abbastanza breve.",
    ),
    (
        "Certamente.", "Forse.", "Molto volentieri.", "Probabilmente sì.", "Questo funziona bene.", "È molto semplice.",
        "Tutto dipende dal contesto.", "La risposta è sì.",
        "Un buon piano aiuta molto.", "I dettagli sono molto importanti.", "Il primo passo è facile.",
        "La pratica regolare serve sempre.", "Una buona preparazione evita molti errori.",
        "Il risultato dipende dal singolo caso.", "Un breve esempio rende tutto chiaro.",
        "Un piccolo cambiamento è spesso sufficiente.", "Un secondo parere richiede solo poco tempo.",
        "La soluzione più semplice spesso funziona bene.", "Con un po' di pazienza tutto riesce.",
        "Una lista di domande aiuta all'inizio.", "La scelta delle parole conta molto in pratica.",
        "Una domanda chiara porta a una buona risposta.", "Il momento giusto è più importante del resto.",
        "In pratica è un po' più difficile così.", "Con il tempo questo rende il lavoro più facile.",
        "È utile confrontare due o tre opzioni con calma.", "Una breve pausa permette di vedere meglio le cose.",
    ),
)  # fmt: skip
PORTUGUESE = SentenceList(
    (
        "Aqui está um breve resumo sobre “{}”.",
        "Há três pontos importantes sobre “{}”.",
        "Com “{}”, convém começar passo a passo.",
        "Um bom exemplo explica bem “{}”.",
    ),
    (
        "Muito obrigado pela sua pergunta.",
        "Com muito gosto posso ajudar.",
        "Essa é uma boa pergunta.",
        "Aqui está uma resposta breve.",
    ),
    (
        "Claro.", "Possivelmente.", "Com certeza.", "Provavelmente sim.", "Isso funciona bem.", "É muito simples.",
        "Tudo depende do contexto.", "A resposta é sim.",
        "Um bom plano poupa tempo.", "Os detalhes são muito importantes.", "O primeiro passo é fácil.",
        "A prática regular ajuda muito.", "Uma boa preparação evita muitos erros.",
        "O resultado depende de cada caso.", "Um exemplo curto torna tudo claro.",
        "Uma pequena mudança costuma ser suficiente.", "Uma segunda opinião custa muito pouco tempo.",
        "A solução mais simples costuma funcionar bem.", "Com um pouco de paciência dá certo.",
        "Uma lista de perguntas ajuda no início.", "A escolha das palavras tem muita importância aqui.",
        "Na prática é um pouco mais difícil assim.", "Uma pergunta clara leva a uma boa resposta.",
        "O momento certo é mais importante que tudo.", "Com o tempo isso torna o trabalho mais fácil.",
        "É útil comparar duas ou três opções com calma.", "Uma pausa curta permite ver as coisas com clareza.",
    ),
)  # fmt: skip
SENTENCE_LISTS = {"de": GERMAN, "fr": FRENCH, "es": SPANISH, "it": ITALIAN, "pt": PORTUGUESE}
