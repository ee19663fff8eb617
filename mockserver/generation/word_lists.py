"""English words and sentences for generated values, by the name of the property.

Longer names take precedence: `ingredient_name` over `name`.
"""

from __future__ import annotations

SENTENCES = (
    "The main points are covered and nothing seems to be missing.",
    "It follows from the details given above.",
    "This was checked twice and the result is the same.",
    "The first part is straightforward, the second needs more care.",
    "Most of it can be done in a single afternoon.",
    "It works well for small teams and scales to larger ones.",
    "The figures agree with those of the previous quarter.",
    "Nothing unusual was found.",
    "A short break in the middle makes it easier.",
    "The reply was friendly and to the point.",
    "It is simple to use and easy to explain.",
    "More information is needed for a final decision.",
    "Two options remain, and both are reasonable.",
    "The change is small but noticeable.",
    "Everything arrived on time and in good condition.",
    "It is best to start with the simplest case.",
    "The answer depends on where and when it is asked.",
    "Several people mentioned the same thing.",
)

# Property names with the same values share an entry.
GROUPED_VALUES: dict[str, tuple[str, ...]] = {
    "ingredient ingredient_name": (
        "flour", "sugar", "butter", "eggs", "milk", "olive oil", "garlic", "onion", "tomatoes", "basil", "salt",
    ),
    "dish meal recipe recipe_name recipe_title": (
        "Lemon chicken with rice", "Tomato soup with basil", "Apple pancakes", "Mushroom risotto", "Lentil curry",
    ),
    "cuisine": ("Italian", "Indian", "Mexican", "Japanese", "French"),
    "step instruction direction task action todo": (
        "Gather everything that is needed", "Mix it well", "Let it rest for ten minutes", "Check the result",
        "Write down the numbers", "Repeat for the other half", "Send it to the team", "Compare both versions",
    ),
    "recipe_step recipe_instruction cooking_step": (
        "Chop the onion and the garlic", "Heat the oil in a pan", "Add the flour and stir", "Let it simmer for a while",
        "Season with salt and serve warm",
    ),
    "product product_name item item_name article": (
        "Desk lamp", "Wireless mouse", "Water bottle", "Running shoes", "Notebook", "Coffee grinder", "Backpack",
    ),
    "item_description line_item_description product_description": (
        "Consulting, two hours", "Yearly licence", "Office chair, black", "Delivery", "Spare parts", "Support plan",
    ),
    "brand manufacturer make": ("Acme", "Globex", "Initech", "Soylent", "Hooli", "Vandelay"),
    "airline carrier": ("Oceanic Airlines", "Northern Air", "Blue Sky Airways", "Meridian Air"),
    "airport departure_airport arrival_airport": ("JFK", "LHR", "BER", "CDG", "NRT", "SFO"),
    "hotel hotel_name": ("Harbour View Hotel", "Hotel Central", "The Old Mill", "Park Inn"),
    "restaurant restaurant_name": ("The Blue Door", "Casa Verde", "Little Lisbon", "Noodle House"),
    "movie film movie_title film_title movie_name": (
        "The Long Way Home", "Night Train", "A Quiet Harbour", "The Last Orchard", "Paper Moons",
    ),
    "book book_title book_name": ("The Glass River", "Salt and Stone", "A History of Small Things", "Northern Lights"),
    "song track album song_title": ("Morning Light", "Blue Train", "Far from Here", "Slow Dance"),
    "plot synopsis": (
        "Two strangers meet on a night train and miss their stop.", "A town wakes up to find its clock gone.",
    ),
    "genre": ("drama", "comedy", "science fiction", "thriller", "documentary"),
    "event event_name event_title meeting": ("Team meeting", "Science fair", "Book club", "Product launch", "Open day"),
    "project project_name": ("Website redesign", "Data migration", "Spring campaign", "Office move"),
    "skill": ("Python", "SQL", "project management", "public speaking", "data analysis", "writing"),
    "degree": ("BSc Computer Science", "MA History", "BA Economics", "MSc Physics"),
    "institution university school college": (
        "University of Springfield", "Riverside College", "Lakeside University", "Northfield Institute",
    ),
    "field_of_study major course": ("Computer Science", "Economics", "History", "Physics", "Design"),
    "certification certificate": ("First aid", "Project management", "Cloud practitioner", "Scrum master"),
    "responsibility duty achievement": (
        "Led a team of five", "Wrote the yearly report", "Looked after key customers", "Planned the budget",
    ),
    "job_title role_title experience_title position": ("Engineer", "Teacher", "Accountant", "Product manager", "Nurse"),
    "department team": ("Sales", "Engineering", "Support", "Finance", "Marketing"),
    "interest hobby": ("hiking", "photography", "chess", "cooking", "music"),
    "nationality": ("American", "British", "French", "Indian", "Brazilian", "Japanese"),
    "language spoken_language": ("English", "French", "Spanish", "German", "Japanese"),
    "programming_language code_language": ("Python", "JavaScript", "Go", "Rust"),
    "code snippet source_code": ("print('Hello')", "return total / count", "for item in items:\n    print(item)"),
    "sql sql_query": ("SELECT COUNT(*) FROM users;", "SELECT name, total FROM orders LIMIT 10;"),
    "table column field": ("users", "orders", "created_at", "total", "email"),
    "issue bug problem error_message": (
        "The total is not rounded", "A name is not checked", "The page loads slowly", "The link is broken",
    ),
    "feature benefit advantage pro strength": ("Lightweight", "Easy to clean", "Long battery life", "Quick to learn"),
    "disadvantage con weakness drawback": ("No night mode", "Hard to find in shops", "Needs a cable"),
    "color colour": ("red", "blue", "green", "black", "white"),
    "material": ("wood", "steel", "cotton", "glass"),
    "conditions condition weather sky": ("sunny", "partly cloudy", "light rain", "overcast"),
    "forecast weather_forecast": ("sunny", "partly cloudy", "light rain", "overcast"),
    "ingredient_unit": ("g", "ml", "cups", "tablespoons", "pieces"),
    "predicate relation relationship": ("works for", "is located in", "is a part of", "wrote", "belongs to"),
    "entity triple_object": ("Acme", "Springfield", "the annual report", "a small town"),
    "keyword tag topic category label theme": ("travel", "science", "family", "work", "health", "music", "money"),
    "choice option": ("The first one", "The second one", "Both of them", "None of these"),
    "question": ("Which of these came first?", "How many are there?", "What is the main reason?"),
    "correct_answer": ("The first one", "The second one"),
    "hint tip": ("Think of the simplest case.", "Look at the dates.", "There are more than two."),
    "subject email_subject headline title": (
        "A short update", "Plans for next week", "Notes from the meeting", "Your order is on its way", "Next steps",
    ),
    "final_answer": ("42", "The second option", "About three hours"),
    "allergy symptom diagnosis": ("headache", "fever", "cough", "fatigue"),
    "medication": ("ibuprofen", "paracetamol", "vitamin D"),
}  # fmt: skip

VALUES_BY_NAME = {name: values for names, values in GROUPED_VALUES.items() for name in names.split()}
