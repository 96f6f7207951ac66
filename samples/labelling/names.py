"""Names of companies, people, streets and things, all made up."""

from random import Random

FIRST = {
    "en": [
        "Harriet", "Owen", "Beatrix", "Callum", "Imogen", "Rufus", "Edith", "Jasper", "Maud", "Silas",
        "Nora", "Clement",
    ],
    "de": [
        "Annegret", "Jörg", "Wiebke", "Matthäus", "Gerlinde", "Ruprecht", "Swantje", "Eberhard", "Käthe",
        "Lüder", "Frauke", "Till",
    ],
    "fr": [
        "Amélie", "Gaspard", "Hélène", "Rémi", "Solène", "Théo", "Océane", "Léandre", "Noémie", "Fabien",
        "Élodie", "Bastien",
    ],
}  # fmt: skip
LAST = {
    "en": [
        "Ashdown", "Pemberwick", "Thistlewood", "Garrow", "Wexcombe", "Lorrimer", "Stannard", "Quillby",
        "Fenmore", "Harkwell",
    ],
    "de": [
        "Brüggenkamp", "Ottersbach", "Weißkirchner", "Rehlein", "Dünnwald", "Hasselmann", "Krähwinkel",
        "Lauterborn",
    ],
    "fr": [
        "Beauséjour", "Lagrenée", "Montcerf", "Pérouse", "Valmagne", "Desrochers", "Clairfond", "Aubépin",
    ],
}  # fmt: skip
TRADE = {
    "en": ["Joinery", "Print Works", "Catering", "Instruments", "Nurseries", "Logistics", "Optics"],
    "de": ["Haustechnik", "Druckerei", "Gartenbau", "Messtechnik", "Spedition", "Tischlerei", "Kältebau"],
    "fr": ["Menuiserie", "Imprimerie", "Traiteur", "Jardins", "Transports", "Optique", "Couverture"],
}
FORM = {"en": ["Ltd", "LLP", "plc"], "de": ["GmbH", "KG", "e.K."], "fr": ["SARL", "SAS", "SA"]}
TOWN = {
    "en": ["Marlowe Bridge", "Upper Tansley", "Corvendale", "Saltmere"],
    "de": ["Altenroda", "Birkenbrück", "Neuwessel", "Sankt Ilgen"],
    "fr": ["Saint-Vérand", "Montrevel", "Aubigneuil", "Pont-l'Évrard"],
}
STREET = {
    "en": ["Tannery Lane", "Old Mill Road", "Harbour Row"],
    "de": ["Gerberweg", "Alte Mühlstraße", "Hafenzeile"],
    "fr": ["rue des Tanneurs", "chemin du Moulin", "quai du Port"],
}
GOODS = {
    "en": [
        "Oak shelf, 120 cm", "Brass hinge (pair)", "Linen tablecloth", "Desk lamp", "Cable drum 25 m",
        "Label printer", "Paper towels, box of 12", "Safety goggles", "Cordless drill", "Flower bulbs",
        "Acoustic panel", "Wall clock", "Extension lead", "Storage crate", "Garden hose 30 m",
        "Site survey", "Delivery and assembly", "Maintenance visit", "Colour proof", "Translation of manual",
    ],
    "de": [
        "Regalbrett Eiche 120 cm", "Messingscharnier (Paar)", "Tischdecke Leinen", "Schreibtischlampe",
        "Kabeltrommel 25 m", "Etikettendrucker", "Papierhandtücher, 12er-Karton", "Schutzbrille",
        "Akkuschrauber", "Blumenzwiebeln", "Akustikpaneel", "Wanduhr", "Verlängerungskabel", "Lagerkiste",
        "Gartenschlauch 30 m", "Aufmaß vor Ort", "Lieferung und Montage", "Wartungsbesuch", "Farbandruck",
        "Übersetzung der Anleitung",
    ],
    "fr": [
        "Étagère chêne 120 cm", "Charnière laiton (paire)", "Nappe en lin", "Lampe de bureau",
        "Enrouleur 25 m", "Imprimante d'étiquettes", "Essuie-mains, carton de 12", "Lunettes de protection",
        "Perceuse sans fil", "Bulbes de fleurs", "Panneau acoustique", "Horloge murale", "Rallonge",
        "Caisse de rangement", "Tuyau d'arrosage 30 m", "Relevé sur place", "Livraison et montage",
        "Visite d'entretien", "Épreuve couleur", "Traduction de la notice",
    ],
}  # fmt: skip
FOOD = {
    "en": [
        "Flat white", "Soup of the day", "Cheese toastie", "Scone with jam", "Lemonade", "Fish pie",
        "Side salad", "Carrot cake", "Pot of tea", "Ginger beer", "Porridge", "Bacon roll",
    ],
    "de": [
        "Milchkaffee", "Tagessuppe", "Käsebrot", "Apfelstrudel", "Limonade", "Maultaschen",
        "Beilagensalat", "Möhrenkuchen", "Kännchen Tee", "Apfelschorle", "Haferbrei", "Bratwurst",
    ],
    "fr": [
        "Café crème", "Soupe du jour", "Croque-monsieur", "Tarte aux pommes", "Limonade", "Quiche lorraine",
        "Salade verte", "Gâteau aux carottes", "Thé à la menthe", "Jus de poire", "Omelette",
        "Crêpe au sucre",
    ],
}  # fmt: skip
DEFECTS = {
    "en": [
        "The lid does not close", "One leg is shorter than the others", "The paint has come off at the back",
        "The manual is missing", "It arrived with a crack in the glass", "The motor stops after a minute",
        "The colour is not the one that I ordered", "Two screws are missing",
    ],
    "de": [
        "Der Deckel schließt nicht", "Ein Bein ist kürzer als die anderen", "Der Lack ist hinten abgeplatzt",
        "Die Anleitung fehlt", "Das Glas hatte bei der Ankunft einen Sprung",
        "Der Motor bleibt nach einer Minute stehen", "Die Farbe ist nicht die bestellte",
        "Zwei Schrauben fehlen",
    ],
    "fr": [
        "Le couvercle ne ferme pas", "Un pied est plus court que les autres", "La peinture s'écaille au dos",
        "La notice manque", "Le verre est arrivé fêlé", "Le moteur s'arrête au bout d'une minute",
        "La couleur n'est pas celle que j'ai commandée", "Il manque deux vis",
    ],
}  # fmt: skip
SERVICES = {
    "en": [
        "Weekly cleaning", "Window cleaning", "Winter service", "Upkeep of lawns", "Night watch",
        "Backup of data", "Hosting of the web site", "Help desk", "Payroll", "Quarterly report",
    ],
    "de": [
        "Wöchentliche Reinigung", "Fensterreinigung", "Winterdienst", "Rasenpflege", "Nachtwache",
        "Datensicherung", "Betrieb der Website", "Anwenderhilfe", "Lohnabrechnung", "Quartalsbericht",
    ],
    "fr": [
        "Nettoyage hebdomadaire", "Nettoyage des vitres", "Service hivernal", "Entretien des pelouses",
        "Gardiennage de nuit", "Sauvegarde des données", "Hébergement du site", "Assistance", "Paie",
        "Rapport trimestriel",
    ],
}  # fmt: skip


def person(language: str, random: Random) -> str:
    """Make up a person's name."""
    return f"{random.choice(FIRST[language])} {random.choice(LAST[language])}"


def company(language: str, random: Random) -> str:
    """Make up a company's name."""
    parts = random.choice(LAST[language]), random.choice(TRADE[language]), random.choice(FORM[language])
    return " ".join(parts)


def address(language: str, random: Random) -> list[str]:
    """Make up the lines of an address."""
    street, house = random.choice(STREET[language]), random.randint(1, 180)
    town, code = random.choice(TOWN[language]), random.randint(10000, 98999)
    if language == "de":
        return [f"{street} {house}", f"{code} {town}"]
    return [f"{house} {street}", f"{code} {town}" if language == "fr" else f"{town} TN{house % 30} 4QB"]


def code(letters: str, random: Random) -> str:
    """Make up a number that documents are known by."""
    return random.choice([
        f"{letters}-2026-{random.randint(1000, 9999)}",
        f"{letters}{random.randint(100000, 999999)}",
        f"{letters}/{random.randint(26000, 26999)}-{random.randint(10, 99)}",
    ])  # fmt: skip
